// link_model.h: one direction of a link as arithmetic: which packets get through, and when.
// It reads no clock and owns no thread, so tests drive it with made-up time.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "link_options.h"
#include "packet_edit.h"

namespace hawser::lab {

// Written by the thread of the direction, read by anyone.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct LaneCounters {
  Counter received, delivered, delivered_bytes;
  Counter lost, queue_drops, too_big, while_down, nat_drops, device_drops;
  Counter marked, duplicated, reordered, corrupted;
};

class LinkModel {
 public:
  // `slot_size` is the largest packet it can hold, in octets.
  LinkModel(const LaneOptions& options, std::size_t slot_size, std::uint64_t seed);

  // Takes effect for packets that arrive from now on; going down also loses those under way.
  void configure(const LaneOptions& options);

  // A packet arrives in two steps, so that it is read straight into its place: fill the
  // arrival slot, then say how many octets it has.
  Packet arrival_slot();
  void on_packet(std::size_t size, Timestamp now);

  // When next_delivery() will next have something; kNever without packets under way.
  Timestamp next_deadline() const;
  // The next packet due at `now`, or an empty span. Valid until the next call of a non-const member.
  Packet next_delivery(Timestamp now);

  const LaneCounters& counters() const { return counters_; }
  LaneCounters& counters() { return counters_; }

 private:
  struct UnderWay {
    Timestamp due;
    std::uint64_t order;  // arrival order breaks ties
    std::uint32_t slot;
    std::uint32_t size;
  };
  static bool later(const UnderWay& a, const UnderWay& b);

  bool is_lost();
  bool queue_is_full(std::size_t size, Duration wait, Timestamp now);
  void schedule(std::uint32_t slot, std::size_t size, Timestamp now);
  void push(std::uint32_t slot, std::size_t size, Timestamp due);
  std::uint32_t take_slot();
  bool chance(double share) { return share > 0 && random_.unit() < share; }

  LaneOptions options_;
  SeededRandom random_;
  LaneCounters counters_;
  std::size_t slot_size_;

  std::vector<std::unique_ptr<std::uint8_t[]>> slots_;
  std::vector<std::uint32_t> free_;
  std::optional<std::uint32_t> arrival_;
  std::optional<std::uint32_t> delivered_;  // returned to free_ at the next call

  std::vector<UnderWay> heap_;        // earliest first
  std::deque<Timestamp> departures_;  // of packets that still wait for the rate
  Timestamp link_free_at_{};
  Timestamp last_due_{};
  std::uint64_t next_order_ = 0;
  bool in_burst_ = false;
};

}  // namespace hawser::lab
