// Goal: the assembler says what it is told, the kernel's verifier takes it, and a program
// that it will not take is explained. Method: programs of the XDP type, run by the kernel on
// octets of the test's choice; skipped where BPF is not allowed.
#include "net/bpf_assembler.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

#include "net/bpf.h"

namespace hawser::net {
namespace {

// XDP programs are only run on input that could be a frame.
constexpr std::size_t kFrameMin = 64;

std::array<std::uint8_t, kFrameMin> frame(std::initializer_list<std::uint8_t> octets) {
  std::array<std::uint8_t, kFrameMin> result{};
  std::copy(octets.begin(), octets.end(), result.begin());
  return result;
}

bool bpf_is_allowed() {
  BpfAssembler code;
  code.move(kR0, XDP_PASS);
  code.exit();
  return load_bpf_program(BPF_PROG_TYPE_XDP, code.finish(), "probe").has_value();
}

#define SKIP_WITHOUT_BPF() \
  if (!bpf_is_allowed()) GTEST_SKIP() << "BPF programs want CAP_BPF and CAP_NET_ADMIN"

std::uint32_t run(BpfAssembler& code, std::span<const std::uint8_t> input) {
  const auto program = load_bpf_program(BPF_PROG_TYPE_XDP, code.finish(), "test");
  if (!program) throw std::runtime_error(program.error().message);
  return run_bpf_program(program->get(), input).value();
}

TEST(net_bpf, computes_with_numbers_and_registers) {
  SKIP_WITHOUT_BPF();
  BpfAssembler code;
  code.move(kR6, 1'000);
  code.modulo(kR6, 300);
  code.shift_left(kR6, 8);  // 0x6400
  code.add(kR6, -1);        // 0x63ff
  code.bit_and(kR6, 0xf0f);
  code.move(kR7, 0x7000);
  code.bit_or(kR6, kR7);  // 0x730f
  code.shift_right(kR6, 4);
  code.add(kR6, kR7);
  code.move(kR0, kR6);
  code.exit();
  EXPECT_EQ(run(code, frame({})), 0x7730u);
}

TEST(net_bpf, keeps_values_on_the_stack_in_every_size) {
  SKIP_WITHOUT_BPF();
  BpfAssembler code;
  code.store(BpfWidth::k64, kR10, -8, 0);
  code.move(kR6, 0x1234);
  code.store(BpfWidth::k16, kR10, -8, kR6);
  code.store(BpfWidth::k8, kR10, -5, 0x56);
  code.load(BpfWidth::k32, kR0, kR10, -8);
  code.exit();
  EXPECT_EQ(run(code, frame({})), 0x56001234u);
}

// 1 if the frame begins with the 16-bit number 0x86dd, big endian, else 2.
TEST(net_bpf, reads_a_frame_within_its_bounds_and_jumps) {
  SKIP_WITHOUT_BPF();
  BpfAssembler code;
  const BpfLabel other = code.new_label();
  code.load(BpfWidth::k32, kR2, kR1, offsetof(xdp_md, data));
  code.load(BpfWidth::k32, kR3, kR1, offsetof(xdp_md, data_end));
  code.move(kR4, kR2);
  code.add(kR4, 2);
  code.jump_if(kR4, BpfTest::kGreater, kR3, other);
  code.load(BpfWidth::k16, kR5, kR2, 0);
  code.from_network_order(kR5, 16);
  code.jump_unless(kR5, BpfTest::kEqual, 0x86dd, other);
  code.move(kR0, 1);
  code.exit();
  code.place(other);
  code.move(kR0, 2);
  code.exit();
  EXPECT_EQ(run(code, frame({0x86, 0xdd})), 1u);
  EXPECT_EQ(run(code, frame({0xdd, 0x86})), 2u);
}

TEST(net_bpf, looks_up_what_was_put_into_a_map) {
  SKIP_WITHOUT_BPF();
  const auto map =
      create_bpf_map({.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .entries = 4, .name = "test"});
  ASSERT_TRUE(map) << map.error().message;
  const std::uint32_t key = 2;
  const std::uint32_t value = 77;
  ASSERT_TRUE(set_bpf_entry(map->get(), key, value));
  BpfAssembler code;
  const BpfLabel none = code.new_label();
  code.store(BpfWidth::k32, kR10, -4, 2);
  code.load_map(kR1, map->get());
  code.move(kR2, kR10);
  code.add(kR2, -4);
  code.call(BPF_FUNC_map_lookup_elem);
  code.jump_if_null(kR0, none);
  code.load(BpfWidth::k32, kR0, kR0, 0);
  code.place(none);
  code.exit();
  EXPECT_EQ(run(code, frame({})), 77u);
  const std::uint32_t outside = 4;
  EXPECT_FALSE(set_bpf_entry(map->get(), outside, value));
}

TEST(net_bpf, refused_program_is_explained_by_the_verifier) {
  SKIP_WITHOUT_BPF();
  BpfAssembler code;
  code.move(kR0, kR5);  // that nobody has set
  code.exit();
  const auto refused = load_bpf_program(BPF_PROG_TYPE_XDP, code.finish(), "hawser_wrong");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("hawser_wrong"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("R5 !read_ok"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace hawser::net
