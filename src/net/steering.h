// steering.h: which socket of a shared port gets a datagram. Unasked, the kernel hashes the
// 4-tuple; a peer whose address changes would come out at another socket. Here it looks at
// two octets of the payload instead, by a BPF program or by a classic filter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "net/descriptor.h"

namespace hawser::net {

// Where a datagram names its socket: a 16-bit number, big endian, whose remainder by the
// count of sockets is the index of one. The first bit of the payload says which of two
// places to look at.
struct SteeringRule {
  std::size_t offset_if_clear = 0;
  std::size_t offset_if_set = 0;

  // The number; nothing, if the datagram is too short to have one.
  [[nodiscard]] constexpr std::optional<std::uint16_t> key(Bytes datagram) const {
    if (datagram.empty()) return {};
    const std::size_t offset = (datagram[0] & 0x80) != 0 ? offset_if_set : offset_if_clear;
    if (datagram.size() < offset + 2) return {};
    return static_cast<std::uint16_t>(datagram[offset] << 8 | datagram[offset + 1]);
  }
};

enum class SteeringMethod : std::uint8_t {
  kAuto,     // the first of the following that the kernel allows
  kEbpf,     // a program with a map of the sockets; wants CAP_BPF
  kClassic,  // a classic filter that returns a position in the kernel's list; anyone may
  kHash,     // the kernel's hash of the 4-tuple
};

// "auto", "ebpf", "cbpf", "hash".
std::string_view to_string(SteeringMethod method);
std::expected<SteeringMethod, ConfigError> parse_steering_method(std::string_view name);

// The sockets that share one port. Each joins once it is bound (UdpOptions::steering), in
// the order of their indices; the last to join switches steering on for all of them, until
// the last of them is closed. Not thread safe: one socket is opened after the other. Needed
// only while they are opened.
class SteeringGroup {
 public:
  struct Options {
    SteeringRule rule;
    std::size_t sockets = 1;
    SteeringMethod method = SteeringMethod::kAuto;
  };

  // The error is the kernel's, and only for a method that was asked for by name.
  static std::expected<SteeringGroup, ConfigError> create(const Options& options);

  std::expected<void, ConfigError> join(int socket);
  // What is in use once all have joined; kHash before.
  [[nodiscard]] SteeringMethod method() const { return in_use_; }

 private:
  explicit SteeringGroup(const Options& options) : options_(options) {}
  std::expected<void, ConfigError> load_program();
  std::expected<void, ConfigError> add_to_map(int socket);
  [[nodiscard]] std::expected<void, ConfigError> attach(int socket) const;
  [[nodiscard]] std::expected<void, ConfigError> attach_program(int socket) const;
  [[nodiscard]] std::expected<void, ConfigError> attach_filter(int socket) const;
  bool fall_back();

  Options options_;  // method: what is tried, after kAuto was replaced
  bool automatic_ = false;
  SteeringMethod in_use_ = SteeringMethod::kHash;
  std::uint32_t joined_ = 0;
  Descriptor map_;  // index to socket
  Descriptor program_;
};

}  // namespace hawser::net
