// link_model.cc: the way of a packet: down? too big? lost? queue full? then it waits for the
// rate, travels the delay, and may be marked, damaged, doubled or overtaken.
#include "link_model.h"

#include <algorithm>
#include <utility>

namespace hawser::lab {
namespace {

// A second of 1 Gbit/s in packets of 1,500 octets is 83,334; one such slot is 1.5 kB, so a
// direction holds at most 200 MB.
constexpr std::size_t kSlotsMax = 131'072;

Duration serialization_time(std::size_t size, std::uint64_t rate_bps) {
  if (rate_bps == 0) return Duration(0);
  return Duration(static_cast<std::int64_t>(static_cast<double>(size) * 8e9 / static_cast<double>(rate_bps)));
}

}  // namespace

LinkModel::LinkModel(const LaneOptions& options, std::size_t slot_size, std::uint64_t seed)
    : options_(options), random_(seed), slot_size_(slot_size) {}

bool LinkModel::later(const UnderWay& a, const UnderWay& b) {
  return a.due != b.due ? a.due > b.due : a.order > b.order;
}

void LinkModel::configure(const LaneOptions& options) {
  options_ = options;
  if (options_.up) return;
  counters_.while_down.add(heap_.size());
  for (const UnderWay& packet : heap_) free_.push_back(packet.slot);
  heap_.clear();
  departures_.clear();
  link_free_at_ = {};
  last_due_ = {};
}

std::uint32_t LinkModel::take_slot() {
  if (free_.empty()) {
    slots_.push_back(std::make_unique<std::uint8_t[]>(slot_size_));
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

Packet LinkModel::arrival_slot() {
  if (!arrival_) arrival_ = take_slot();
  return Packet(slots_[*arrival_].get(), slot_size_);
}

// Gilbert's model: a burst begins at one packet and ends before each later one with 1 / mean length.
bool LinkModel::is_lost() {
  if (in_burst_ && chance(1 / options_.burst_length)) in_burst_ = false;
  if (!in_burst_ && chance(options_.burst_start)) in_burst_ = true;
  return in_burst_ || chance(options_.loss);
}

bool LinkModel::queue_is_full(std::size_t size, Duration wait, Timestamp now) {
  if (slots_.size() - free_.size() >= kSlotsMax) return true;
  if (options_.rate_bps == 0) return false;
  while (!departures_.empty() && departures_.front() <= now) departures_.pop_front();
  if (options_.queue_packets && departures_.size() >= *options_.queue_packets) return true;
  if (options_.queue_time && wait > *options_.queue_time) return true;
  const double waiting_bytes = to_seconds(wait) * static_cast<double>(options_.rate_bps) / 8;
  return options_.queue_bytes && waiting_bytes + static_cast<double>(size) > static_cast<double>(*options_.queue_bytes);
}

void LinkModel::on_packet(std::size_t size, Timestamp now) {
  counters_.received.add();
  if (!options_.up) return counters_.while_down.add();
  if (size > options_.mtu) return counters_.too_big.add();
  if (is_lost()) return counters_.lost.add();
  const Duration wait = std::max(Duration(0), link_free_at_ - now);
  if (queue_is_full(size, wait, now)) return counters_.queue_drops.add();

  const std::uint32_t slot = *std::exchange(arrival_, std::nullopt);
  const Packet packet(slots_[slot].get(), size);
  if (options_.ecn_threshold && wait > *options_.ecn_threshold && mark_congestion(packet)) counters_.marked.add();
  if (chance(options_.corrupt) && flip_payload_bit(packet, random_.next_u64())) counters_.corrupted.add();
  link_free_at_ = std::max(link_free_at_, now) + serialization_time(size, options_.rate_bps);
  if (options_.rate_bps != 0) departures_.push_back(link_free_at_);
  if (chance(options_.duplicate)) {
    const std::uint32_t copy = take_slot();
    std::copy(packet.begin(), packet.end(), slots_[copy].get());
    counters_.duplicated.add();
    schedule(copy, size, now);
  }
  schedule(slot, size, now);
}

void LinkModel::schedule(std::uint32_t slot, std::size_t size, Timestamp now) {
  Timestamp due = std::max(link_free_at_, now) + options_.delay;
  if (options_.jitter > Duration(0))
    due += Duration(static_cast<std::int64_t>(random_.unit() * static_cast<double>(options_.jitter.count())));
  if (chance(options_.reorder)) {
    counters_.reordered.add();
    return push(slot, size, due + options_.reorder_delay);
  }
  last_due_ = due = std::max(due, last_due_);
  push(slot, size, due);
}

void LinkModel::push(std::uint32_t slot, std::size_t size, Timestamp due) {
  heap_.push_back({due, next_order_++, slot, static_cast<std::uint32_t>(size)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

Timestamp LinkModel::next_deadline() const {
  return heap_.empty() ? kNever : heap_.front().due;
}

Packet LinkModel::next_delivery(Timestamp now) {
  if (delivered_) free_.push_back(*std::exchange(delivered_, std::nullopt));
  if (heap_.empty() || heap_.front().due > now) return {};
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const UnderWay packet = heap_.back();
  heap_.pop_back();
  delivered_ = packet.slot;
  return Packet(slots_[packet.slot].get(), packet.size);
}

}  // namespace hawser::lab
