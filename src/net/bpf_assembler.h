// bpf_assembler.h: writes the few dozen instructions of a kernel program by name, so that
// neither building nor running hawser needs a BPF compiler.
//
//   BpfAssembler code;
//   const BpfLabel pass = code.new_label();
//   code.load(BpfWidth::k16, kR5, kR2, 12);
//   code.jump_unless(kR5, BpfTest::kEqual, htons(ETH_P_IP), pass);
//   code.place(pass);
//   code.move(kR0, XDP_PASS);
//   code.exit();
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hawser::net {

// r0 is what functions return, r1 to r5 are their arguments and do not survive a call, r6 to
// r9 do, r10 is the end of the stack of 512 octets.
enum BpfRegister : std::uint8_t { kR0, kR1, kR2, kR3, kR4, kR5, kR6, kR7, kR8, kR9, kR10 };

enum class BpfWidth : std::uint8_t { k8 = BPF_B, k16 = BPF_H, k32 = BPF_W, k64 = BPF_DW };

// Comparisons are unsigned. Against a number they look at 32 bits, against a register at 64.
enum class BpfTest : std::uint8_t { kEqual, kNotEqual, kGreater, kGreaterOrEqual, kLess, kLessOrEqual };

// A place in the program; jumps may be written before it is placed.
struct BpfLabel {
  std::size_t index = 0;
};

class BpfAssembler {
 public:
  BpfLabel new_label();
  void place(BpfLabel label);

  void move(BpfRegister to, std::int32_t value);
  void move(BpfRegister to, BpfRegister from);
  void add(BpfRegister to, std::int32_t value);
  void add(BpfRegister to, BpfRegister from);
  void bit_and(BpfRegister to, std::int32_t value);
  void bit_or(BpfRegister to, BpfRegister from);
  void modulo(BpfRegister to, std::int32_t divisor);  // unsigned
  // Drops the lower `bits` of the 64.
  void shift_right(BpfRegister to, std::int32_t bits);
  void shift_left(BpfRegister to, std::int32_t bits);
  // From network to host order; `bits` are 16, 32 or 64.
  void from_network_order(BpfRegister to, std::int32_t bits);

  // to = *(base + offset), extended with zeros; *(base + offset) = from or value.
  void load(BpfWidth width, BpfRegister to, BpfRegister base, std::int16_t offset);
  void store(BpfWidth width, BpfRegister base, std::int16_t offset, BpfRegister from);
  void store(BpfWidth width, BpfRegister base, std::int16_t offset, std::int32_t value);
  // The map behind a descriptor, as functions want it.
  void load_map(BpfRegister to, int map_fd);

  void jump(BpfLabel label);
  void jump_if(BpfRegister left, BpfTest test, std::int32_t value, BpfLabel label);
  void jump_if(BpfRegister left, BpfTest test, BpfRegister right, BpfLabel label);
  // The null pointer of a function that found nothing; the verifier wants all 64 bits seen.
  void jump_if_null(BpfRegister pointer, BpfLabel label);
  void jump_unless(BpfRegister left, BpfTest test, std::int32_t value, BpfLabel label);

  void call(bpf_func_id function);
  void exit();

  // The program, with every jump resolved. Every label that is jumped to must be placed.
  [[nodiscard]] std::vector<bpf_insn> finish() const;

 private:
  struct Jump {
    std::size_t at;
    std::size_t label;
  };

  void add_instruction(std::uint8_t code, BpfRegister to, BpfRegister from, std::int16_t offset, std::int32_t value);
  void add_jump(std::uint8_t code, BpfRegister left, BpfRegister right, std::int32_t value, BpfLabel label);

  std::vector<bpf_insn> instructions_;
  std::vector<std::ptrdiff_t> labels_;  // where each stands; -1: not placed
  std::vector<Jump> jumps_;
};

}  // namespace hawser::net
