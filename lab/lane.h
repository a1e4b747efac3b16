// lane.h: one direction of a running link: a thread that reads packets from one TUN device,
// keeps them as long as its LinkModel says, and writes them to the other.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "link_model.h"
#include "nat.h"

namespace hawser::lab {

enum class Direction { kToServer, kToClient };

class Lane {
 public:
  // The descriptors are non-blocking TUN queues that outlive the lane, as does `nat`.
  Lane(Direction direction, int from, int to, const LinkOptions& options, Nat& nat, std::uint64_t seed);
  ~Lane();
  Lane(const Lane&) = delete;

  void start();
  void stop();

  // From any thread; takes effect within a moment.
  void configure(const LinkOptions& options);

  const LaneCounters& counters() const { return model_.counters(); }

 private:
  void run();
  void take_changes(Timestamp now);
  bool read_packets();
  bool write_packets();
  void sleep();
  void rebind_when_due(Timestamp now);
  const LaneOptions& lane_of(const LinkOptions& options) const;

  Direction direction_;
  int from_;
  int to_;
  int wake_ = -1;  // an eventfd
  Nat& nat_;
  LinkModel model_;
  Duration rebind_every_{};
  Timestamp next_rebind_ = kNever;

  std::mutex mutex_;  // guards changed_
  std::optional<LinkOptions> changed_;
  std::atomic<bool> has_changes_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// The machine's monotonic clock as the lab's time.
Timestamp monotonic_now();

}  // namespace hawser::lab
