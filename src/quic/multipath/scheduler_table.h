// scheduler_table.h: the schedulers that come with the library, by name. A new one is a line in
// scheduler_table.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

struct NamedScheduler {
  std::string_view name;
  std::unique_ptr<PathScheduler> (*make)();
};

std::span<const NamedScheduler> scheduler_table();

}  // namespace hawser::quic
