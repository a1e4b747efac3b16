// fec_config.h: what an application may choose of forward error correction, and the same as words:
// "off", "xor", "xor:8", "rs:16/4", "rs:5-30%", "rs@2".
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"
#include "quic/wire/frames/fec.h"

namespace hawser::quic {

struct FecConfig {
  bool enabled = false;
  FecScheme scheme = FecScheme::kReedSolomon;  // of what we send; anything available is decoded
  // Packets are protected for the sake of streams and datagram flows of this urgency and more urgent ones (RFC 9218);
  // 7: of all.
  std::uint8_t urgency_max = 7;
  // Only for the sake of those that ask for it (FlowFec::kAlways), whatever their urgency.
  bool asked_only = false;
  // Packets in a block, 1 to kMaxFecSources. For kXor that adapts this does not matter.
  std::size_t sources = 16;
  // Repair symbols of a full block, 1 to kMaxFecRepairs, of kXor 1; 0: as many as the measured loss asks for, within
  // the bounds below.
  std::size_t repairs = 0;
  // Repair symbols for each packet, 0 to 1: at least and at most.
  double share_min = 0;
  double share_max = 0.5;

  [[nodiscard]] bool adapts() const { return repairs == 0; }
  bool operator==(const FecConfig&) const = default;
};

// From such words. ConfigError: what they are not, and what they could be. Schemes that this build lacks are refused.
//   off           nothing is sent, nothing is offered
//   xor, rs       as many repair symbols as the loss asks for
//   xor:N         one after every N packets
//   rs:N/R        R after every N packets
//   xor:A-B%      as many as the loss asks for, from A to B per cent; rs:A-B% likewise
//   ...@U         what has urgency U or a more urgent one, 0 to 7: rs@2
//   ...@asked     only the streams and flows of datagrams that ask for it
std::expected<FecConfig, ConfigError> parse_fec_config(std::string_view text);
// The words that parse_fec_config() reads as `config`; shares are rounded to per cent.
std::string to_string(const FecConfig& config);

}  // namespace hawser::quic
