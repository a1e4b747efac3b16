// flow_fec.h: whether one stream or one flow of datagrams is protected by forward error correction.
#pragma once

#include <cstdint>

namespace hawser::quic {

enum class FlowFec : std::uint8_t {
  kByUrgency,  // if FecConfig says so of its urgency
  kAlways,     // where the connection has forward error correction at all
  kNever,
};

}  // namespace hawser::quic
