// bpf_assembler.cc: the instruction encodings of Documentation/bpf/standardization, and jumps
// once their ends are known.
#include "net/bpf_assembler.h"

#include "base/check.h"

namespace hawser::net {
namespace {

std::uint8_t jump_operation(BpfTest test) {
  switch (test) {
    case BpfTest::kEqual:
      return BPF_JEQ;
    case BpfTest::kNotEqual:
      return BPF_JNE;
    case BpfTest::kGreater:
      return BPF_JGT;
    case BpfTest::kGreaterOrEqual:
      return BPF_JGE;
    case BpfTest::kLess:
      return BPF_JLT;
    case BpfTest::kLessOrEqual:
      return BPF_JLE;
  }
  return BPF_JA;
}

BpfTest opposite(BpfTest test) {
  switch (test) {
    case BpfTest::kEqual:
      return BpfTest::kNotEqual;
    case BpfTest::kNotEqual:
      return BpfTest::kEqual;
    case BpfTest::kGreater:
      return BpfTest::kLessOrEqual;
    case BpfTest::kGreaterOrEqual:
      return BpfTest::kLess;
    case BpfTest::kLess:
      return BpfTest::kGreaterOrEqual;
    case BpfTest::kLessOrEqual:
      return BpfTest::kGreater;
  }
  return test;
}

std::uint8_t code_of(unsigned code) {
  return static_cast<std::uint8_t>(code);
}

}  // namespace

BpfLabel BpfAssembler::new_label() {
  labels_.push_back(-1);
  return {labels_.size() - 1};
}

void BpfAssembler::place(BpfLabel label) {
  HAWSER_CHECK(labels_.at(label.index) < 0);
  labels_[label.index] = static_cast<std::ptrdiff_t>(instructions_.size());
}

void BpfAssembler::add_instruction(std::uint8_t code, BpfRegister to, BpfRegister from, std::int16_t offset,
                                   std::int32_t value) {
  bpf_insn instruction{};
  instruction.code = code;
  instruction.dst_reg = to & 0x0f;
  instruction.src_reg = from & 0x0f;
  instruction.off = offset;
  instruction.imm = value;
  instructions_.push_back(instruction);
}

void BpfAssembler::move(BpfRegister to, std::int32_t value) {
  add_instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, kR0, 0, value);
}

void BpfAssembler::move(BpfRegister to, BpfRegister from) {
  add_instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

void BpfAssembler::add(BpfRegister to, std::int32_t value) {
  add_instruction(BPF_ALU64 | BPF_ADD | BPF_K, to, kR0, 0, value);
}

void BpfAssembler::add(BpfRegister to, BpfRegister from) {
  add_instruction(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
}

void BpfAssembler::bit_and(BpfRegister to, std::int32_t value) {
  add_instruction(BPF_ALU64 | BPF_AND | BPF_K, to, kR0, 0, value);
}

void BpfAssembler::bit_or(BpfRegister to, BpfRegister from) {
  add_instruction(BPF_ALU64 | BPF_OR | BPF_X, to, from, 0, 0);
}

void BpfAssembler::modulo(BpfRegister to, std::int32_t divisor) {
  add_instruction(code_of(BPF_ALU64 | BPF_MOD | BPF_K), to, kR0, 0, divisor);
}

void BpfAssembler::shift_right(BpfRegister to, std::int32_t bits) {
  add_instruction(BPF_ALU64 | BPF_RSH | BPF_K, to, kR0, 0, bits);
}

void BpfAssembler::shift_left(BpfRegister to, std::int32_t bits) {
  add_instruction(BPF_ALU64 | BPF_LSH | BPF_K, to, kR0, 0, bits);
}

void BpfAssembler::from_network_order(BpfRegister to, std::int32_t bits) {
  add_instruction(code_of(BPF_ALU | BPF_END | BPF_TO_BE), to, kR0, 0, bits);
}

void BpfAssembler::load(BpfWidth width, BpfRegister to, BpfRegister base, std::int16_t offset) {
  add_instruction(code_of(BPF_LDX | BPF_MEM | static_cast<unsigned>(width)), to, base, offset, 0);
}

void BpfAssembler::store(BpfWidth width, BpfRegister base, std::int16_t offset, BpfRegister from) {
  add_instruction(code_of(BPF_STX | BPF_MEM | static_cast<unsigned>(width)), base, from, offset, 0);
}

void BpfAssembler::store(BpfWidth width, BpfRegister base, std::int16_t offset, std::int32_t value) {
  add_instruction(code_of(BPF_ST | BPF_MEM | static_cast<unsigned>(width)), base, kR0, offset, value);
}

void BpfAssembler::load_map(BpfRegister to, int map_fd) {
  // The one instruction of two words: the kernel puts the map's address in their place.
  add_instruction(BPF_LD | BPF_DW | BPF_IMM, to, static_cast<BpfRegister>(BPF_PSEUDO_MAP_FD), 0, map_fd);
  add_instruction(0, kR0, kR0, 0, 0);
}

void BpfAssembler::add_jump(std::uint8_t code, BpfRegister left, BpfRegister right, std::int32_t value,
                            BpfLabel label) {
  jumps_.push_back({.at = instructions_.size(), .label = label.index});
  add_instruction(code, left, right, 0, value);
}

void BpfAssembler::jump(BpfLabel label) {
  add_jump(BPF_JMP | BPF_JA, kR0, kR0, 0, label);
}

void BpfAssembler::jump_if(BpfRegister left, BpfTest test, std::int32_t value, BpfLabel label) {
  add_jump(code_of(BPF_JMP32 | unsigned{jump_operation(test)} | BPF_K), left, kR0, value, label);
}

void BpfAssembler::jump_if(BpfRegister left, BpfTest test, BpfRegister right, BpfLabel label) {
  add_jump(code_of(BPF_JMP | unsigned{jump_operation(test)} | BPF_X), left, right, 0, label);
}

void BpfAssembler::jump_if_null(BpfRegister pointer, BpfLabel label) {
  add_jump(BPF_JMP | BPF_JEQ | BPF_K, pointer, kR0, 0, label);
}

void BpfAssembler::jump_unless(BpfRegister left, BpfTest test, std::int32_t value, BpfLabel label) {
  jump_if(left, opposite(test), value, label);
}

void BpfAssembler::call(bpf_func_id function) {
  add_instruction(BPF_JMP | BPF_CALL, kR0, kR0, 0, function);
}

void BpfAssembler::exit() {
  add_instruction(BPF_JMP | BPF_EXIT, kR0, kR0, 0, 0);
}

std::vector<bpf_insn> BpfAssembler::finish() const {
  std::vector<bpf_insn> program = instructions_;
  for (const Jump& jump : jumps_) {
    const std::ptrdiff_t target = labels_.at(jump.label);
    HAWSER_CHECK(target >= 0);
    // Counted from the instruction after the jump.
    program[jump.at].off = static_cast<std::int16_t>(target - static_cast<std::ptrdiff_t>(jump.at) - 1);
  }
  return program;
}

}  // namespace hawser::net
