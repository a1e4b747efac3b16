// steering.cc: the two programs, and what the kernel is asked for in turn.
#include "net/steering.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/bpf.h"
#include "net/bpf_assembler.h"

namespace hawser::net {
namespace {

// In the payload's first octet: which offset counts.
constexpr std::int32_t kFirstBit = 0x80;
// What the kernel counts as the beginning in a program of the sk_reuseport type: the UDP
// header. A classic filter begins with the payload.
constexpr std::int32_t kUdpHeader = 8;

constexpr std::array<std::pair<SteeringMethod, std::string_view>, 4> kNames{{
    {SteeringMethod::kAuto, "auto"},
    {SteeringMethod::kEbpf, "ebpf"},
    {SteeringMethod::kClassic, "cbpf"},
    {SteeringMethod::kHash, "hash"},
}};

std::unexpected<ConfigError> kernel_error(std::string_view what) {
  return std::unexpected(ConfigError{fmt::format("steering: {}: {}", what, std::strerror(errno))});
}

// Copies the start of the payload to the stack, takes the number from there, and selects the
// socket that the map has for its remainder. Where anything is missing it passes without a
// choice, and the kernel hashes.
std::vector<bpf_insn> write_program(const SteeringRule& rule, std::size_t sockets, int map_fd) {
  constexpr std::int16_t kCopy = -256;  // on the stack
  constexpr std::int16_t kIndex = -264;
  const std::size_t copied = std::max(rule.offset_if_clear, rule.offset_if_set) + 2;
  HAWSER_CHECK(copied <= 256);
  BpfAssembler code;
  // Octet by octet: the verifier takes wider loads from the stack only where they are aligned.
  const auto load_number = [&code](std::size_t offset) {
    const auto at = static_cast<std::int16_t>(kCopy + static_cast<int>(offset));
    code.load(BpfWidth::k8, kR7, kR10, at);
    code.load(BpfWidth::k8, kR8, kR10, static_cast<std::int16_t>(at + 1));
  };
  const BpfLabel first_bit_clear = code.new_label();
  const BpfLabel have_number = code.new_label();
  const BpfLabel pass = code.new_label();
  code.move(kR6, kR1);  // the context, for the second call
  code.move(kR2, kUdpHeader);
  code.move(kR3, kR10);
  code.add(kR3, kCopy);
  code.move(kR4, static_cast<std::int32_t>(copied));
  code.call(BPF_FUNC_skb_load_bytes);
  code.jump_if(kR0, BpfTest::kNotEqual, 0, pass);
  code.load(BpfWidth::k8, kR2, kR10, kCopy);
  code.jump_if(kR2, BpfTest::kLess, kFirstBit, first_bit_clear);
  load_number(rule.offset_if_set);
  code.jump(have_number);
  code.place(first_bit_clear);
  load_number(rule.offset_if_clear);
  code.place(have_number);
  code.shift_left(kR7, 8);
  code.bit_or(kR7, kR8);
  code.modulo(kR7, static_cast<std::int32_t>(sockets));
  code.store(BpfWidth::k32, kR10, kIndex, kR7);
  code.move(kR1, kR6);
  code.load_map(kR2, map_fd);
  code.move(kR3, kR10);
  code.add(kR3, kIndex);
  code.move(kR4, 0);
  code.call(BPF_FUNC_sk_select_reuseport);
  code.place(pass);
  code.move(kR0, SK_PASS);
  code.exit();
  return code.finish();
}

}  // namespace

std::string_view to_string(SteeringMethod method) {
  return kNames[static_cast<std::size_t>(method)].second;
}

std::expected<SteeringMethod, ConfigError> parse_steering_method(std::string_view name) {
  for (const auto& [method, known] : kNames) {
    if (known == name) return method;
  }
  return std::unexpected(ConfigError{fmt::format("steering '{}': give auto, ebpf, cbpf or hash", name)});
}

std::expected<SteeringGroup, ConfigError> SteeringGroup::create(const Options& options) {
  HAWSER_CHECK(options.sockets > 0 && options.sockets <= UINT16_MAX);
  SteeringGroup group{options};
  if (options.method == SteeringMethod::kAuto) {
    group.automatic_ = true;
    group.options_.method = SteeringMethod::kEbpf;
  }
  if (group.options_.method == SteeringMethod::kEbpf) {
    if (auto loaded = group.load_program(); !loaded && !group.fall_back()) {
      return std::unexpected(
          ConfigError{fmt::format("steering ebpf: {}; cbpf needs no privilege", loaded.error().message)});
    }
  }
  return group;
}

// True if there is something else to try.
bool SteeringGroup::fall_back() {
  if (!automatic_ || options_.method == SteeringMethod::kHash) return false;
  options_.method = options_.method == SteeringMethod::kEbpf ? SteeringMethod::kClassic : SteeringMethod::kHash;
  return true;
}

std::expected<void, ConfigError> SteeringGroup::load_program() {
  HAWSER_TRY(map_, create_bpf_map({.type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
                                   .key_size = sizeof(std::uint32_t),
                                   .value_size = sizeof(std::uint32_t),
                                   .entries = static_cast<std::uint32_t>(options_.sockets),
                                   .name = "hawser_sockets"}));
  HAWSER_TRY(program_, load_bpf_program(BPF_PROG_TYPE_SK_REUSEPORT,
                                        write_program(options_.rule, options_.sockets, map_.get()), "hawser_steer"));
  return {};
}

std::expected<void, ConfigError> SteeringGroup::join(int socket) {
  HAWSER_CHECK(joined_ < options_.sockets);
  if (options_.method == SteeringMethod::kEbpf) {
    if (auto added = add_to_map(socket); !added && !fall_back()) return added;
  }
  if (++joined_ < options_.sockets) return {};
  auto attached = attach(socket);
  while (!attached && fall_back()) attached = attach(socket);
  if (attached) in_use_ = options_.method;
  return attached;
}

std::expected<void, ConfigError> SteeringGroup::add_to_map(int socket) {
  const std::uint32_t index = joined_;
  if (set_bpf_entry(map_.get(), index, socket)) return {};
  return kernel_error("the kernel does not put the socket into the program's map");
}

std::expected<void, ConfigError> SteeringGroup::attach(int socket) const {
  switch (options_.method) {
    case SteeringMethod::kEbpf:
      return attach_program(socket);
    case SteeringMethod::kClassic:
      return attach_filter(socket);
    case SteeringMethod::kAuto:
    case SteeringMethod::kHash:
      break;
  }
  return {};
}

std::expected<void, ConfigError> SteeringGroup::attach_program(int socket) const {
  const int program = program_.get();
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) == 0) return {};
  return kernel_error("the kernel does not attach the program");
}

// The kernel lists the sockets of a port as they were bound, so that the remainder is a
// position in that list: good as long as nobody else binds the port and none of the sockets
// is closed. What comes out wrong is passed on by whoever gets it.
std::expected<void, ConfigError> SteeringGroup::attach_filter(int socket) const {
  const auto at = [](std::size_t offset) { return static_cast<std::uint32_t>(offset); };
  std::array<sock_filter, 7> code{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kFirstBit, 2, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at(options_.rule.offset_if_clear)),
      BPF_STMT(BPF_JMP | BPF_JA, 1),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at(options_.rule.offset_if_set)),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(options_.sockets)),
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  const sock_fprog filter{.len = code.size(), .filter = code.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0) return {};
  return kernel_error("the kernel does not attach the filter");
}

}  // namespace hawser::net
