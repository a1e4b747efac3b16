// worker.h: one thread, one engine, the protocols it drives, and the loop that joins them:
// read a batch, hand it over, run what is due, send what there is to send, sleep.
#pragma once

#include <time.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/datagram.h"
#include "base/result.h"
#include "base/time.h"
#include "net/engine.h"
#include "runtime/datagram_protocol.h"
#include "runtime/mailbox.h"
#include "runtime/system_random.h"

namespace hawser::runtime {

// Workers of one runtime. Connection IDs name one by the remainder of a 16-bit number: with
// this many, each has at least 255 of the 65,536 numbers, and new connections, whose numbers
// are random, are spread within half a percent.
inline constexpr std::size_t kWorkersMax = 256;

struct WorkerOptions {
  std::size_t index = 0;        // below kWorkersMax; what connection IDs say of it
  int cpu = -1;                 // the CPU to stay on; -1: the scheduler's choice
  Duration spin{0};             // how long to look for work before sleeping; costs the CPU
  Duration drain{0};            // after stop(): how long peers may still be answered
  std::string name = "hawser";  // of the thread, with the index; 12 characters count
};

struct WorkerStats {
  net::UdpCounters udp;
  std::uint64_t kernel_drops = 0;  // datagrams lost to full receive buffers
  std::uint64_t rounds = 0;        // of the loop
  std::uint64_t sleeps = 0;
  std::uint64_t tasks = 0;
  std::uint64_t trains_forwarded = 0;        // to the worker whose connection ID they carry
  std::uint64_t trains_taken_over = 0;       // from other workers
  std::uint64_t trains_forward_dropped = 0;  // the other worker's mailbox was full
  std::uint64_t trains_unclaimed = 0;        // no protocol is bound to their local address
  Duration cpu_time{0};

  WorkerStats& operator+=(const WorkerStats& o);
};

class Worker {
 public:
  // Takes over the engine and starts the thread, which then waits for tasks and datagrams.
  // The error says why it cannot stay on its CPU.
  static std::expected<std::unique_ptr<Worker>, ConfigError> start(const WorkerOptions& options,
                                                                   std::unique_ptr<net::Engine> engine);
  // Stops and joins.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // From any thread. -----------------------------------------------------------------------

  // Runs `work(Worker&)` on the worker's thread, soon and in order of posting. False if the
  // worker has ended: the work is dropped.
  template <class Work>
  bool post(Work work);

  // Runs `work(Worker&)` on the worker's thread, waits for it and returns what it returned,
  // or nothing if the worker has ended. On that thread itself it is a plain call. Two workers
  // that call each other wait for ever: workers post.
  template <class Work>
  auto call(Work work) -> std::optional<std::invoke_result_t<Work, Worker&>>;

  // Closes the protocols, sends what they still have to say, ends the thread. Returns at
  // once; join() waits. Both may be called more than once; join() from one thread only.
  void stop();
  void join();

  [[nodiscard]] std::size_t index() const { return options_.index; }
  [[nodiscard]] bool on_this_thread() const;
  // CPU time that the thread has used, user and system.
  [[nodiscard]] Duration cpu_time() const;
  // Asks the thread, or gives the last word of one that has ended.
  [[nodiscard]] WorkerStats stats();

  // On the worker's thread only, in tasks. ----------------------------------------------------

  // Datagrams of a shared port whose connection ID names another of `workers`
  // (runtime/cid_steering.h) are passed on to it. The position in the list is the index; all
  // must outlive this worker's thread. Set it before sockets share a port.
  void set_peers(std::vector<Worker*> workers);
  // Workers that share ports with this one, itself included.
  [[nodiscard]] std::size_t group_size() const { return peers_.empty() ? 1 : peers_.size(); }

  // Drives `protocol` from now on and until detach() or the end. The reference is good as long.
  DatagramProtocol& attach(std::unique_ptr<DatagramProtocol> protocol);
  // Opens a socket whose datagrams go to `protocol`. Returns where it is bound.
  std::expected<SocketAddress, ConfigError> bind(DatagramProtocol& protocol, const net::UdpOptions& options);
  // The kernel brings datagrams to this protocol's shared sockets by kCidSteering, not by
  // their 4-tuple.
  void set_steered(const DatagramProtocol& protocol);
  // Gives a copy of a datagram to on_stray() of what the other workers of the group have behind the
  // same port, soon and on their threads. For what is rare: each copy is a task.
  void share_stray(const ReceivedTrain& datagram);
  // Closes the sockets of `protocol` and destroys it, without close(); trains of it that
  // wait for room in a socket are dropped. Never from within a protocol's call.
  void detach(DatagramProtocol& protocol);
  // Does so with all of `together`, in this order, once each of them is idle().
  void retire(std::vector<DatagramProtocol*> together);
  // Closes the socket of `protocol` that bind() said to be bound there, as detach() does.
  void unbind(const DatagramProtocol& protocol, const SocketAddress& bound);

  [[nodiscard]] net::Engine& engine() { return *engine_; }
  // Unpredictable, for keys and connection IDs made on this thread.
  [[nodiscard]] Random& random() { return random_; }

 private:
  // Trains in one read, and in one send. 16 sends of up to 64 KB stay within a usual L2
  // cache with what they are sealed from, and share a system call when they are small.
  static constexpr std::size_t kReceiveBatch = 32;
  static constexpr std::size_t kTransmitBatch = 16;
  // Full batches that one protocol sends before acknowledgements are read again.
  static constexpr std::size_t kTransmitRoundsMax = 4;
  // A loop that always finds something to read asks this often what else there is: a socket that was drained is read
  // again only when poll() names it. That costs half a microsecond.
  static constexpr Duration kPollAtLeast = 250us;
  // While a socket has no room, timers that are due anyway look this rarely.
  static constexpr Duration kBlockedPoll = 1ms;
  // Past stop(), a socket without room is waited for this long.
  static constexpr Duration kFlushMax = 1s;

  // Of a port with other workers: not at all, or by what the kernel tells datagrams apart.
  enum class Sharing : std::uint8_t { kNone, kByTuple, kByCid };
  struct Binding {
    DatagramProtocol* protocol = nullptr;
    net::SocketId socket;
    SocketAddress local;
    Sharing sharing = Sharing::kNone;
  };

  Worker(const WorkerOptions& options, std::unique_ptr<net::Engine> engine);
  bool post_task(std::unique_ptr<Task> task);
  void run();
  void prepare_thread() const;
  void end_thread();
  bool end_retired();  // false: none was over
  bool read_batch();
  void read_mailbox();
  void deliver(std::span<ReceivedTrain> batch, Timestamp now);
  std::size_t owner_of(Bytes datagram, Sharing sharing) const;
  std::span<ReceivedTrain> keep_own(std::span<ReceivedTrain> batch);
  bool forward_train(const ReceivedTrain& train, Sharing sharing);
  void flush_forwarded();
  const Binding* binding_for(const SocketAddress& local) const;
  DatagramProtocol* protocol_for(const SocketAddress& local) const;
  void run_timeouts(Timestamp now);
  void transmit(Timestamp now);
  bool transmit_protocol(DatagramProtocol& protocol, Timestamp now);
  bool send_batch(std::span<TransmitTrain> trains);
  std::optional<Timestamp> next_timeout() const;
  Duration sleep_time(Timestamp now) const;
  void poll(Duration timeout);
  bool finished(Timestamp now);
  WorkerStats current_stats() const;

  WorkerOptions options_;
  std::unique_ptr<net::Engine> engine_;
  SystemRandom random_;
  Mailbox mailbox_;
  std::vector<std::unique_ptr<DatagramProtocol>> protocols_;
  std::vector<Binding> bindings_;
  std::vector<Worker*> peers_;
  std::vector<ForwardedTrains> outgoing_;  // by worker: what this round has for it

  std::vector<std::unique_ptr<Task>> tasks_;
  ForwardedTrains taken_over_;
  std::array<ReceivedTrain, kReceiveBatch> received_;
  std::array<TransmitTrain, kTransmitBatch> transmits_;
  std::span<TransmitTrain> unsent_;  // of transmits_: what waits for room in a socket
  std::vector<std::vector<DatagramProtocol*>> retiring_;
  bool blocked_ = false;            // nothing is sent until poll() says writable
  bool more_to_send_ = false;       // a protocol used up its rounds
  std::size_t first_protocol_ = 0;  // rotates: who transmits first
  Timestamp last_activity_{};
  Timestamp last_poll_{};
  bool polled_ = false;                     // at the end of the round before: last_poll_ is to be set
  std::optional<Timestamp> stop_deadline_;  // set when stop() was noticed
  WorkerStats stats_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};  // released after final stats are written
  clockid_t cpu_clock_{};
  std::thread thread_;
};

template <class Work>
bool Worker::post(Work work) {
  struct PostedTask final : Task {
    explicit PostedTask(Work w) : work_(std::move(w)) {}
    void run(Worker& worker) override { work_(worker); }
    Work work_;
  };
  return post_task(std::make_unique<PostedTask>(std::move(work)));
}

template <class Work>
auto Worker::call(Work work) -> std::optional<std::invoke_result_t<Work, Worker&>> {
  using Result = std::invoke_result_t<Work, Worker&>;
  static_assert(!std::is_void_v<Result>, "return a value, so that an ended worker can be told apart");
  if (on_this_thread()) return work(*this);
  std::optional<Result> result;
  std::binary_semaphore done{0};
  // The guard travels with the task: it releases the caller also if the task is never run.
  struct Guard {
    explicit Guard(std::binary_semaphore& s) : semaphore(&s) {}
    Guard(Guard&& o) noexcept : semaphore(std::exchange(o.semaphore, nullptr)) {}
    ~Guard() {
      if (semaphore != nullptr) semaphore->release();
    }
    std::binary_semaphore* semaphore;
  };
  post([&result, &work, guard = Guard{done}](Worker& worker) { result.emplace(work(worker)); });
  done.acquire();
  return result;
}

}  // namespace hawser::runtime
