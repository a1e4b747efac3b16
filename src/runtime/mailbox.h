// mailbox.h: how other threads reach a worker: tasks, and datagrams that the kernel gave to
// the wrong worker. A mutex is taken per letter, never per packet of a worker's own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/datagram.h"

namespace hawser::runtime {

class Worker;  // runtime/worker.h

// Work for a worker's thread. Destroyed there too, or by whoever drops it unrun at the end.
class Task {
 public:
  virtual ~Task() = default;
  virtual void run(Worker& worker) = 0;
};

// Copies of datagrams on their way from one worker to another.
class ForwardedTrains {
 public:
  // Octets that may wait for one worker: 4 MB are 64 full trains, 1.6 ms at 20 Gbit/s. Further
  // datagrams are dropped, as a full socket buffer would.
  static constexpr std::size_t kOctetsMax = std::size_t{4} << 20;
  // Trains that may wait: a cheap flood of tiny datagrams costs at most this many entries.
  static constexpr std::size_t kTrainsMax = 8'192;

  // False if a limit would be passed; nothing is added then.
  bool add(const ReceivedTrain& train);
  // Adds all of `more` or what fits; returns how many trains were left out.
  std::size_t add_all(const ForwardedTrains& more);
  void clear();
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // The trains as views of the copies, good until the next add or clear.
  std::span<ReceivedTrain> views();

 private:
  struct Entry {
    std::size_t offset = 0;
    ReceivedTrain train;  // bytes: only the size counts until views() sets them
  };
  std::vector<std::uint8_t> octets_;
  std::vector<Entry> entries_;
  std::vector<ReceivedTrain> views_;
};

class Mailbox {
 public:
  // False once closed: the task is destroyed unrun. Any thread.
  bool post(std::unique_ptr<Task> task);
  // Returns how many trains were dropped. Any thread.
  std::size_t forward(const ForwardedTrains& trains);
  // Something may wait. Any thread; the owner asks once per round, without a lock.
  [[nodiscard]] bool has_letters() const { return has_letters_.load(std::memory_order_acquire); }

  // Swaps out everything that waits; both are empty before. The owner.
  void take(std::vector<std::unique_ptr<Task>>& tasks, ForwardedTrains& trains);
  // No further letters; tasks that wait are destroyed unrun. The owner.
  void close();

 private:
  std::mutex mutex_;
  std::atomic<bool> has_letters_{false};
  bool closed_ = false;
  std::vector<std::unique_ptr<Task>> tasks_;
  ForwardedTrains trains_;
};

}  // namespace hawser::runtime
