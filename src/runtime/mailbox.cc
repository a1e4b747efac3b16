// mailbox.cc: letters between workers.
#include "runtime/mailbox.h"

#include <utility>

namespace hawser::runtime {

bool ForwardedTrains::add(const ReceivedTrain& train) {
  if (octets_.size() + train.bytes.size() > kOctetsMax || entries_.size() >= kTrainsMax) return false;
  entries_.push_back({.offset = octets_.size(), .train = train});
  octets_.insert(octets_.end(), train.bytes.begin(), train.bytes.end());
  return true;
}

std::size_t ForwardedTrains::add_all(const ForwardedTrains& more) {
  std::size_t left_out = 0;
  for (const Entry& entry : more.entries_) {
    ReceivedTrain train = entry.train;
    // add() only reads the octets.
    train.bytes = {const_cast<std::uint8_t*>(more.octets_.data()) + entry.offset, entry.train.bytes.size()};
    if (!add(train)) ++left_out;
  }
  return left_out;
}

void ForwardedTrains::clear() {
  octets_.clear();
  entries_.clear();
}

std::span<ReceivedTrain> ForwardedTrains::views() {
  views_.clear();
  for (const Entry& entry : entries_) {
    views_.push_back(entry.train);
    views_.back().bytes = MutableBytes{octets_}.subspan(entry.offset, entry.train.bytes.size());
  }
  return views_;
}

bool Mailbox::post(std::unique_ptr<Task> task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  tasks_.push_back(std::move(task));
  has_letters_.store(true, std::memory_order_release);
  return true;
}

std::size_t Mailbox::forward(const ForwardedTrains& trains) {
  const std::lock_guard lock(mutex_);
  if (closed_) return trains.size();
  has_letters_.store(true, std::memory_order_release);
  return trains_.add_all(trains);
}

void Mailbox::take(std::vector<std::unique_ptr<Task>>& tasks, ForwardedTrains& trains) {
  const std::lock_guard lock(mutex_);
  has_letters_.store(false, std::memory_order_release);
  std::swap(tasks, tasks_);
  std::swap(trains, trains_);
}

void Mailbox::close() {
  std::vector<std::unique_ptr<Task>> unrun;  // destroyed outside the lock: they may post
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    std::swap(unrun, tasks_);
    trains_.clear();
  }
}

}  // namespace hawser::runtime
