// path_scheduler.h: the seam between the room that fills datagrams and the algorithms that decide which
// Path the next one takes. A scheduler sees facts, keeps no pointer, allocates nothing per packet and
// knows no connection; schedule() below is what the connection calls.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Sets of paths are bit masks over positions in the caller's array, not over Path IDs, which only grow.
inline constexpr std::size_t kMaxScheduledPaths = 32;

// Which paths of an array: bit i is the path at position i.
class PathSet {
 public:
  constexpr PathSet() = default;
  constexpr explicit PathSet(std::uint32_t bits) : bits_(bits) {}

  constexpr auto operator<=>(const PathSet&) const = default;
  constexpr void add(std::size_t index) { bits_ |= std::uint32_t{1} << index; }
  constexpr void remove(std::size_t index) { bits_ &= ~(std::uint32_t{1} << index); }
  [[nodiscard]] constexpr bool has(std::size_t index) const { return (bits_ >> index & 1) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }
  // Of a set that is not empty.
  [[nodiscard]] constexpr std::size_t first() const { return static_cast<std::size_t>(std::countr_zero(bits_)); }

  // for (const std::size_t index : set)
  class Iterator {
   public:
    constexpr explicit Iterator(std::uint32_t bits) : bits_(bits) {}
    constexpr std::size_t operator*() const { return static_cast<std::size_t>(std::countr_zero(bits_)); }
    constexpr Iterator& operator++() {
      bits_ &= bits_ - 1;
      return *this;
    }
    constexpr bool operator!=(const Iterator& o) const { return bits_ != o.bits_; }

   private:
    std::uint32_t bits_;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator{bits_}; }
  [[nodiscard]] constexpr Iterator end() const { return Iterator{0}; }

 private:
  std::uint32_t bits_ = 0;
};
static_assert(kMaxScheduledPaths == 32, "PathSet has 32 bits");

// What we think of a path, from what it delivered.
enum class PathState : std::uint8_t {
  kProbing,   // not validated, or not heard of since it came back
  kActive,    // carries data
  kStandby,   // validated and kept for when it is needed
  kDegraded,  // misses acknowledgements or loses much: better than nothing
  kFailed,    // nothing gets through
};
inline constexpr std::size_t kPathStates = 5;

std::string_view to_string(PathState state);

// PATH_STATUS_AVAILABLE and PATH_STATUS_BACKUP (draft-ietf-quic-multipath-21 section 3.3); backup if
// either end asks for it.
enum class PathStatus : std::uint8_t { kAvailable, kBackup };

// One path as it is now. The caller fills an array of these before it asks; the order of the array may
// change from one question to the next.
struct PathFacts {
  PathId id;
  PathState state = PathState::kActive;
  PathStatus status = PathStatus::kAvailable;
  // Window and pacer allow a datagram now, and nothing is to be copied here before.
  bool may_send = false;
  // When they will, as far as that is known: `now` if they do, the pacer's release if that is what holds,
  // kNever if the congestion window is full and only an acknowledgement helps.
  Timestamp may_send_at = kNever;
  Duration smoothed_rtt{0};
  Duration rtt_variation{0};  // rttvar of RFC 9002 section 5.3
  Duration min_rtt{0};        // zero: no sample yet
  std::uint64_t congestion_window = 0;
  std::uint64_t bytes_in_flight = 0;
  std::uint64_t copies_waiting = 0;              // octets of other paths that are to go here before anything new
  std::uint64_t bytes_per_second = 0;            // what the path delivers or is paced at; 0: not known
  double loss = 0;                               // share of packets lost lately, 0 to 1
  Timestamp acknowledged_at = Timestamp::min();  // when it last acknowledged anything new; min(): not known
  std::uint32_t mtu = 1'200;                     // octets of UDP payload in its datagrams, now
  std::uint32_t weight = 1;  // share of the traffic that policy gives it, beside the others' weights
  std::uint32_t cost = 0;    // 0: free; a path that costs more carries data when no cheaper one can

  [[nodiscard]] std::uint64_t room() const {
    return congestion_window > bytes_in_flight ? congestion_window - bytes_in_flight : 0;
  }
};

enum class DemandKind : std::uint8_t {
  kStream,    // STREAM frames of `flow`, a stream ID
  kDatagram,  // DATAGRAM frames of `flow`, a number that the application chose
  kControl,   // any other frame: small, and others wait for it
};

// What would be sent next.
struct Demand {
  DemandKind kind = DemandKind::kStream;
  bool interactive = false;         // somebody waits for each octet: urgency or the application says so
  std::uint64_t flow = 0;           // see DemandKind
  std::uint64_t bytes_waiting = 0;  // octets of this flow that are not sent yet, with what goes next
  std::uint64_t bytes_lost = 0;     // of these were lost, and go next: what came behind them waits at the receiver
  bool is_last = false;             // and it ends with them: nothing is written after
  // Octets that the peer's flow control still lets us send on this connection; UINT64_MAX: no limit.
  std::uint64_t flow_control_room = UINT64_MAX;
  Timestamp deadline = kNever;  // after which it is of no use that the octets arrive
};

// The answer. Either `path` is a position in the caller's array, or the caller waits.
struct Schedule {
  static constexpr std::size_t kNone = SIZE_MAX;

  std::size_t path = kNone;
  // The octets of streams in it go on each of these as well, `path` not among them, as soon as they may send:
  // before anything new, and unless they were acknowledged by then.
  PathSet copies{};
  // Octets of datagrams that may follow on `path` for this demand without another question, while window
  // and pacer allow; at least one datagram whatever it says.
  std::uint64_t budget = 0;
  // While `path` is kNone: ask again then, or when an acknowledgement, new data or a change of a path
  // comes. kNever: only such an event helps.
  Timestamp ask_again = kNever;
  // From here on another scheduler answers in this one's place: PathScheduler::failure() says why. Once.
  bool gave_up = false;

  [[nodiscard]] bool sends() const { return path != kNone; }
  static Schedule on(std::size_t index, std::uint64_t octets) { return {.path = index, .budget = octets}; }
  static Schedule wait(Timestamp until) { return {.ask_again = until}; }
};

// A question, as a scheduler gets it.
struct SchedulerView {
  std::span<const PathFacts> paths;
  // Paths that are as good as any by state, status and cost: a scheduler chooses among these. At least one.
  PathSet candidates;
  // All that could carry data, cheaper and costlier, with the candidates. At least two.
  PathSet usable;
  const Demand& demand;
  Timestamp now;

  [[nodiscard]] const PathFacts& path(std::size_t index) const { return paths[index]; }
  // Candidates that may send now.
  [[nodiscard]] PathSet ready() const { return ready_of(candidates); }
  [[nodiscard]] PathSet ready_of(PathSet set) const;
  // The earliest time at which a path of the set may send.
  [[nodiscard]] Timestamp next_ready(PathSet set) const;
  // For who waits without a time: when another candidate may send. One that may already is left for a reason, and is
  // asked about again in a millisecond, not at once and for ever.
  [[nodiscard]] Timestamp next_change() const;
  // The one with the smallest smoothed RTT, of a set that is not empty; of two alike the lower Path ID.
  [[nodiscard]] std::size_t fastest(PathSet set) const;
};

// Objects belong to one connection and are used on its thread only.
class PathScheduler {
 public:
  virtual ~PathScheduler() = default;

  // Answers with a candidate that may send, or waits. Called through schedule() only.
  [[nodiscard]] virtual Schedule choose(const SchedulerView& view) = 0;
  // `octets` of datagrams left on a path after choose() gave it or named it for a copy.
  virtual void on_sent(PathId, std::uint64_t octets, Timestamp) { static_cast<void>(octets); }
  // The peer's flow control kept data back although a path could have carried it.
  virtual void on_flow_control_blocked(Timestamp) {}
  // The path will not be seen again.
  virtual void on_path_gone(PathId) {}

  [[nodiscard]] virtual std::string_view name() const = 0;
  // What made this one give up (Schedule::gave_up), as a sentence; empty: it has not.
  [[nodiscard]] virtual std::string_view failure() const { return {}; }
  // Octets of this object and of what it holds on the heap.
  [[nodiscard]] virtual std::size_t memory() const = 0;
};

// Paths that may carry data at all: not those being probed, nor those that failed.
[[nodiscard]] PathSet usable_paths(std::span<const PathFacts> paths);
// The best class of a set: active and available paths before those kept in reserve (standby, or backup by
// draft-ietf-quic-multipath-21 section 3.3), these before degraded ones, and cheap before costly ones.
[[nodiscard]] PathSet best_class(std::span<const PathFacts> paths, PathSet within);

// Asks the scheduler where the next datagram of `demand` goes. At most kMaxScheduledPaths `paths`. With one
// usable path the scheduler is not asked.
[[nodiscard]] Schedule schedule(PathScheduler& scheduler, std::span<const PathFacts> paths, const Demand& demand,
                                Timestamp now);

// `name` is one of path_scheduler_names(); the error lists them.
std::expected<std::unique_ptr<PathScheduler>, ConfigError> make_path_scheduler(std::string_view name);

// The names, as "min-rtt, round-robin, ...": for help texts and errors.
std::string path_scheduler_names();

// Makes a scheduler of the application's own known to all connections of the process. `make` may be called
// on any thread that drives connections, with `context` as given, and returns a new object each time. The
// name, 1 to 31 octets, is copied. An error if it is taken, too long, or the table of kMaxAddedSchedulers
// is full. May be called from any thread.
using PathSchedulerFactory = std::unique_ptr<PathScheduler> (*)(const void* context);
inline constexpr std::size_t kMaxAddedSchedulers = 16;
std::expected<void, ConfigError> add_path_scheduler(std::string_view name, PathSchedulerFactory make,
                                                    const void* context);

}  // namespace hawser::quic
