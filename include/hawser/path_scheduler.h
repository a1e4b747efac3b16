// path_scheduler.h: schedulers of a program's own: which of several paths the next packet takes.
//
//   class Mine final : public hawser::PathScheduler { ... };
//   hawser::add_path_scheduler("mine", [](const void*) -> std::unique_ptr<hawser::PathScheduler> {
//     return std::make_unique<Mine>();
//   });
//   ... PathOptions{.scheduler = "mine"} ...
//
// docs/schedulers.md describes the question and the answers; examples/own_scheduler.cc is a whole one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hawser/error.h"
#include "hawser/paths.h"

namespace hawser {

// A path that may be chosen: none that is probed or failed, and of the rest the best by state, backup and cost.
struct ScheduledPath {
  static constexpr std::uint64_t kUnknown = UINT64_MAX;

  std::uint64_t id = 0;  // Path ID
  PathState state = PathState::kActive;
  bool backup = false;
  bool ready = false;             // window and pacer allow a datagram now
  std::uint64_t ready_in_us = 0;  // microseconds; kUnknown: the window is full, and acknowledgements open it
  std::uint64_t smoothed_rtt_us = 0;
  std::uint64_t rtt_variation_us = 0;
  std::uint64_t min_rtt_us = 0;         // 0: no sample yet
  std::uint64_t congestion_window = 0;  // octets
  std::uint64_t octets_in_flight = 0;
  std::uint64_t octets_per_second = 0;  // that it delivers or is paced at; 0: not known
  double loss = 0;                      // share of packets lost lately, 0 to 1
  std::uint32_t mtu = 1'200;            // octets of UDP payload in its datagrams
  std::uint32_t weight = 1;             // PathInterface
  std::uint32_t cost = 0;
};

// What would be sent next.
struct ScheduleDemand {
  enum class Kind : unsigned char { kStream, kDatagram, kControl };
  Kind kind = Kind::kStream;
  bool interactive = false;                      // more urgent than what has no urgency (RFC 9218 section 4.1)
  std::uint64_t flow = 0;                        // stream ID, or flow of datagrams
  std::uint64_t octets_waiting = 0;              // of this flow
  std::uint64_t flow_control_room = UINT64_MAX;  // octets that the peer lets the connection send; UINT64_MAX: any
  std::uint64_t deadline_in_us = UINT64_MAX;     // when the octets will be of no use any more; UINT64_MAX: never
};

struct ScheduleAnswer {
  static constexpr std::size_t kWait = SIZE_MAX;
  // A position in the paths of the question. One that is not ready: wait for it; one that there is not: the quickest
  // that is ready.
  std::size_t path = kWait;
  std::uint64_t octets = 0;  // that may follow without another question, at least one datagram
  // With kWait: ask again then at the latest, after 100 at least; 0: when another path becomes ready, and after a
  // millisecond where one is ready that is not taken.
  std::uint64_t wait_us = 0;
};

// One for each connection, used on its thread only. Nothing here may throw, block or call the connection.
class PathScheduler {
 public:
  virtual ~PathScheduler() = default;

  // Two paths and more; with a single one nobody asks. `paths` and `demand` live as long as the call. `now_us` counts
  // microseconds from some start.
  virtual ScheduleAnswer choose(std::span<const ScheduledPath> paths, const ScheduleDemand& demand,
                                std::uint64_t now_us) = 0;
  // Octets of datagrams left on a path after choose() gave it.
  virtual void on_sent(std::uint64_t path_id, std::uint64_t octets, std::uint64_t now_us) {
    static_cast<void>(path_id);
    static_cast<void>(octets);
    static_cast<void>(now_us);
  }
  // The path will not be seen again.
  virtual void on_path_gone(std::uint64_t path_id) { static_cast<void>(path_id); }
};

// Makes a scheduler known by `name`, 1 to 31 octets, none of them zero, to all connections of the process, for good.
// `make` is called on any thread of a Runtime, with `context` as given, once for each connection with several paths and
// each flow of datagrams that is given this scheduler; where it returns nothing, "min-rtt" takes its place. Any thread.
// Error: kOptions: the name is taken or there are 16 already.
std::expected<void, Error> add_path_scheduler(std::string_view name,
                                              std::unique_ptr<PathScheduler> (*make)(const void* context),
                                              const void* context = nullptr);
// The same for a script in Lua (docs/schedulers.md). `file` is how messages call it. Error: kOptions, with the line
// that is wrong, and where the build has no Lua.
std::expected<void, Error> add_path_script(std::string_view name, std::string_view source, std::string_view file);
// All names, as "blest, ecf, ...".
std::string path_scheduler_names();

}  // namespace hawser
