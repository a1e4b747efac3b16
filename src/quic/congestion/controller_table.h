// controller_table.h: the controllers that come with the library, by name. A new one is a line in
// controller_table.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "quic/congestion/congestion_controller.h"

namespace hawser::quic {

struct NamedController {
  std::string_view name;
  std::unique_ptr<CongestionController> (*make)(std::uint64_t max_datagram_size);
};

std::span<const NamedController> controller_table();

}  // namespace hawser::quic
