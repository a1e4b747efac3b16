// worker.cc: the loop. One round reads a batch, runs letters and timers, and sends; a round
// that read nothing and has sent all ends in a sleep until a datagram, a letter or the next deadline.
#include "runtime/worker.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "runtime/cid_steering.h"
#include "runtime/clock.h"

namespace hawser::runtime {
namespace {

thread_local const Worker* this_threads_worker = nullptr;

// The longest name that Linux gives a thread, without the terminating zero.
constexpr std::size_t kThreadNameMax = 15;

}  // namespace

// Start and end. ------------------------------------------------------------------------------

Worker::Worker(const WorkerOptions& options, std::unique_ptr<net::Engine> engine)
    : options_(options), engine_(std::move(engine)) {}

std::expected<std::unique_ptr<Worker>, ConfigError> Worker::start(const WorkerOptions& options,
                                                                  std::unique_ptr<net::Engine> engine) {
  if (options.index >= kWorkersMax) {
    return std::unexpected(ConfigError{fmt::format("worker {}: at most {} workers", options.index, kWorkersMax)});
  }
  std::unique_ptr<Worker> worker{new Worker(options, std::move(engine))};
  worker->thread_ = std::thread([self = worker.get()] { self->run(); });
  const pthread_t handle = worker->thread_.native_handle();
  HAWSER_CHECK(pthread_getcpuclockid(handle, &worker->cpu_clock_) == 0);
  if (options.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    if (options.cpu < CPU_SETSIZE) CPU_SET(options.cpu, &cpus);
    if (const int error = pthread_setaffinity_np(handle, sizeof cpus, &cpus); error != 0) {
      return std::unexpected(ConfigError{
          fmt::format("worker {} cannot stay on CPU {}: {}", options.index, options.cpu, std::strerror(error))});
    }
  }
  return worker;
}

Worker::~Worker() {
  stop();
  join();
}

void Worker::stop() {
  stopping_.store(true, std::memory_order_release);
  engine_->wake();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

bool Worker::on_this_thread() const {
  return this_threads_worker == this;
}

bool Worker::post_task(std::unique_ptr<Task> task) {
  if (!mailbox_.post(std::move(task))) return false;
  engine_->wake();
  return true;
}

void Worker::prepare_thread() const {
  const std::string index = fmt::format("-{}", options_.index);
  const std::string name = options_.name.substr(0, kThreadNameMax - index.size()) + index;
  pthread_setname_np(pthread_self(), name.c_str());
  // The default slack of 50 us would delay every paced datagram by as much.
  prctl(PR_SET_TIMERSLACK, 1UL);
  // Shutdown signals are for the main thread.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void Worker::run() {
  this_threads_worker = this;
  prepare_thread();
  while (true) {
    ++stats_.rounds;
    const bool received = read_batch();
    if (mailbox_.has_letters()) read_mailbox();
    const Timestamp now = current_time();
    if (received) last_activity_ = now;
    if (std::exchange(polled_, false)) last_poll_ = now;
    run_timeouts(now);
    transmit(now);
    // What waited for a socket of theirs may go now.
    if (!retiring_.empty() && end_retired()) [[unlikely]]
      transmit(now);
    if (stopping_.load(std::memory_order_acquire) && finished(now)) break;
    if (!received && !more_to_send_) {
      poll(sleep_time(now));
    } else if (blocked_ || !received || now - last_poll_ >= kPollAtLeast) {
      poll(Duration::zero());
    }
  }
  end_thread();
}

// Starts the shutdown when first asked; true once nothing is left to do.
bool Worker::finished(Timestamp now) {
  if (!stop_deadline_) {
    stop_deadline_ = now + options_.drain;
    for (const auto& protocol : protocols_) protocol->close(now);
    transmit(now);
  }
  if (now >= *stop_deadline_ + kFlushMax) return true;
  if (!unsent_.empty() || more_to_send_ || mailbox_.has_letters()) return false;
  return now >= *stop_deadline_ ||
         std::ranges::all_of(protocols_, [](const auto& protocol) { return protocol->idle(); });
}

void Worker::end_thread() {
  mailbox_.close();
  protocols_.clear();
  stats_ = current_stats();
  for (const Binding& binding : bindings_) engine_->close(binding.socket);
  bindings_.clear();
  this_threads_worker = nullptr;
  ended_.store(true, std::memory_order_release);
  ended_.notify_all();
}

// Protocols and sockets. ------------------------------------------------------------------------

void Worker::set_peers(std::vector<Worker*> workers) {
  HAWSER_CHECK(workers.size() <= kWorkersMax && workers.at(options_.index) == this);
  peers_ = std::move(workers);
  outgoing_.resize(peers_.size());
}

DatagramProtocol& Worker::attach(std::unique_ptr<DatagramProtocol> protocol) {
  HAWSER_CHECK(on_this_thread() && protocol != nullptr);
  protocols_.push_back(std::move(protocol));
  return *protocols_.back();
}

std::expected<SocketAddress, ConfigError> Worker::bind(DatagramProtocol& protocol, const net::UdpOptions& options) {
  HAWSER_CHECK(on_this_thread());
  HAWSER_TRY(const net::SocketId socket, engine_->open(options));
  bindings_.push_back({.protocol = &protocol,
                       .socket = socket,
                       .local = engine_->local_address(socket),
                       .sharing = options.reuse_port ? Sharing::kByTuple : Sharing::kNone});
  return bindings_.back().local;
}

void Worker::set_steered(const DatagramProtocol& protocol) {
  HAWSER_CHECK(on_this_thread());
  for (Binding& binding : bindings_) {
    if (binding.protocol == &protocol && binding.sharing == Sharing::kByTuple) binding.sharing = Sharing::kByCid;
  }
}

void Worker::detach(DatagramProtocol& protocol) {
  HAWSER_CHECK(on_this_thread());
  std::erase_if(bindings_, [&](const Binding& binding) {
    if (binding.protocol != &protocol) return false;
    engine_->close(binding.socket);
    return true;
  });
  blocked_ = false;  // it may have been for one of these
  std::erase_if(protocols_, [&](const auto& owned) { return owned.get() == &protocol; });
}

void Worker::unbind(const DatagramProtocol& protocol, const SocketAddress& bound) {
  HAWSER_CHECK(on_this_thread());
  std::erase_if(bindings_, [&](const Binding& binding) {
    if (binding.protocol != &protocol || binding.local != bound) return false;
    engine_->close(binding.socket);
    return true;
  });
  blocked_ = false;
}

void Worker::retire(std::vector<DatagramProtocol*> together) {
  HAWSER_CHECK(on_this_thread());
  retiring_.push_back(std::move(together));
}

bool Worker::end_retired() {
  const auto is_over = [](const std::vector<DatagramProtocol*>& together) {
    return std::ranges::all_of(together, &DatagramProtocol::idle);
  };
  std::vector<std::vector<DatagramProtocol*>> over;
  std::erase_if(retiring_, [&](auto& together) {
    if (!is_over(together)) return false;
    over.push_back(std::move(together));
    return true;
  });
  for (const auto& together : over)
    for (DatagramProtocol* const protocol : together) detach(*protocol);
  return !over.empty();
}

const Worker::Binding* Worker::binding_for(const SocketAddress& local) const {
  for (const Binding& binding : bindings_) {
    if (binding.local.port == local.port && (net::is_unspecified(binding.local) || binding.local.ip == local.ip)) {
      return &binding;
    }
  }
  return nullptr;
}

DatagramProtocol* Worker::protocol_for(const SocketAddress& local) const {
  const Binding* const binding = binding_for(local);
  return binding == nullptr ? nullptr : binding->protocol;
}

// Receiving. --------------------------------------------------------------------------------------

bool Worker::read_batch() {
  const std::size_t count = engine_->receive(received_);
  if (count == 0) return false;
  const std::span<ReceivedTrain> batch = std::span(received_).first(count);
  const std::span<ReceivedTrain> own = peers_.size() > 1 ? keep_own(batch) : batch;
  deliver(own, current_time());
  if (peers_.size() > 1) flush_forwarded();
  return true;
}

void Worker::deliver(std::span<ReceivedTrain> batch, Timestamp now) {
  while (!batch.empty()) {
    DatagramProtocol* const protocol = protocol_for(batch.front().tuple.local);
    std::size_t run = 1;
    while (run < batch.size() && protocol_for(batch[run].tuple.local) == protocol) ++run;
    if (protocol != nullptr) {
      protocol->on_datagrams(batch.first(run), now);
    } else {
      stats_.trains_unclaimed += run;
    }
    batch = batch.subspan(run);
  }
}

void Worker::read_mailbox() {
  mailbox_.take(tasks_, taken_over_);
  if (!taken_over_.empty()) {
    stats_.trains_taken_over += taken_over_.size();
    deliver(taken_over_.views(), current_time());
    taken_over_.clear();
  }
  for (std::unique_ptr<Task>& task : tasks_) {
    ++stats_.tasks;
    task->run(*this);
    task.reset();  // now, not after the last: a caller may wait for it
  }
  tasks_.clear();
  last_activity_ = current_time();
}

// Which worker's endpoint issued, or will accept, the connection ID of this datagram's first
// packet. Where the kernel goes by 4-tuples, a client's own ID is taken where it lands: the
// worker gets the packets that follow, and names itself in the IDs that it issues.
// rfc9000:21.11-oracle
std::size_t Worker::owner_of(Bytes datagram, Sharing sharing) const {
  if (sharing == Sharing::kByTuple && !carries_issued_cid(datagram)) return options_.index;
  const std::optional<std::uint16_t> number = kCidSteering.key(datagram);
  return number ? *number % static_cast<std::uint32_t>(peers_.size()) : options_.index;
}

// Moves trains of other workers into outgoing_ and the rest to the front of `batch`. A socket
// that no other worker shares, such as a client's, gets nothing that is not for this one.
std::span<ReceivedTrain> Worker::keep_own(std::span<ReceivedTrain> batch) {
  std::size_t kept = 0;
  for (const ReceivedTrain& train : batch) {
    const Binding* const binding = binding_for(train.tuple.local);
    const Sharing sharing = binding == nullptr ? Sharing::kNone : binding->sharing;
    if (sharing != Sharing::kNone && forward_train(train, sharing)) continue;
    batch[kept] = train;
    ++kept;
  }
  return batch.first(kept);
}

// True if the train was taken over into outgoing_. One whose datagrams are not all of one
// worker is taken apart, in which case this worker gets its own share by the same way.
bool Worker::forward_train(const ReceivedTrain& train, Sharing sharing) {
  const std::size_t size = train.bytes.size();
  const std::size_t first_owner = owner_of(train.bytes.first(std::min(train.segment_size, size)), sharing);
  bool same = true;
  for (std::size_t at = train.segment_size; at < size && same; at += train.segment_size) {
    same = owner_of(train.bytes.subspan(at), sharing) == first_owner;
  }
  if (same && first_owner == options_.index) return false;
  if (same) {
    stats_.trains_forward_dropped += outgoing_[first_owner].add(train) ? 0 : 1;
    return true;
  }
  for (std::size_t at = 0; at < size; at += train.segment_size) {
    ReceivedTrain single = train;
    single.bytes = train.bytes.subspan(at, std::min(train.segment_size, size - at));
    single.segment_size = single.bytes.size();
    stats_.trains_forward_dropped += outgoing_[owner_of(single.bytes, sharing)].add(single) ? 0 : 1;
  }
  return true;
}

void Worker::flush_forwarded() {
  for (std::size_t i = 0; i < outgoing_.size(); ++i) {
    ForwardedTrains& trains = outgoing_[i];
    if (trains.empty()) continue;
    const std::size_t dropped = peers_[i]->mailbox_.forward(trains);
    stats_.trains_forwarded += trains.size() - dropped;
    stats_.trains_forward_dropped += dropped;
    trains.clear();
    if (i != options_.index) peers_[i]->engine_->wake();
  }
}

void Worker::share_stray(const ReceivedTrain& datagram) {
  HAWSER_CHECK(on_this_thread());
  for (Worker* const peer : peers_) {
    if (peer == this) continue;
    std::vector<std::uint8_t> octets(datagram.bytes.begin(), datagram.bytes.end());
    peer->post([octets = std::move(octets), copy = ReceivedTrain(datagram)](Worker& worker) mutable {
      copy.bytes = octets;
      DatagramProtocol* const protocol = worker.protocol_for(copy.tuple.local);
      if (protocol != nullptr) protocol->on_stray(copy, current_time());
    });
  }
}

// Timers and sending. -----------------------------------------------------------------------------

void Worker::run_timeouts(Timestamp now) {
  for (const auto& protocol : protocols_) {
    const std::optional<Timestamp> deadline = protocol->next_timeout();
    if (deadline && *deadline <= now) protocol->on_timeout(now);
  }
}

// Sends what was left over, then asks the protocols in turn, each round beginning with
// another one.
void Worker::transmit(Timestamp now) {
  more_to_send_ = false;  // while a socket has no room, the loop may sleep
  if (blocked_ || !send_batch(unsent_)) return;
  const std::size_t first = first_protocol_++;
  for (std::size_t i = 0; i < protocols_.size(); ++i) {
    if (!transmit_protocol(*protocols_[(first + i) % protocols_.size()], now)) return;
  }
}

// False if a socket has no room left.
bool Worker::transmit_protocol(DatagramProtocol& protocol, Timestamp now) {
  for (std::size_t round = 0; round < kTransmitRoundsMax; ++round) {
    const std::size_t lent = engine_->lend(transmits_);
    if (lent == 0) {  // the kernel reads all of it still
      blocked_ = true;
      return false;
    }
    const std::size_t count = protocol.next_transmits(now, std::span(transmits_).first(lent));
    if (count == 0) return true;
    if (!send_batch(std::span(transmits_).first(count))) return false;
  }
  more_to_send_ = true;
  return true;
}

// True if all of it is out; what is not waits in unsent_ until poll() says writable.
bool Worker::send_batch(std::span<TransmitTrain> trains) {
  if (!trains.empty()) trains = trains.subspan(engine_->send(trains));
  unsent_ = trains;
  blocked_ = !trains.empty();
  return !blocked_;
}

// Sleeping. ---------------------------------------------------------------------------------------

std::optional<Timestamp> Worker::next_timeout() const {
  std::optional<Timestamp> next;
  if (stop_deadline_) next = unsent_.empty() ? *stop_deadline_ : *stop_deadline_ + kFlushMax;
  for (const auto& protocol : protocols_) {
    const std::optional<Timestamp> deadline = protocol->next_timeout();
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

// Negative: until something happens.
Duration Worker::sleep_time(Timestamp now) const {
  if (now - last_activity_ < options_.spin) return Duration::zero();
  const std::optional<Timestamp> deadline = next_timeout();
  if (!deadline || *deadline == kNever) return Duration{-1};
  // What is due may be the very train that waits for room. "At once" is Timestamp::min(), from which nothing can be
  // taken.
  const Duration left = *deadline > now ? *deadline - now : Duration::zero();
  return std::max(left, blocked_ ? kBlockedPoll : Duration::zero());
}

void Worker::poll(Duration timeout) {
  if (timeout != Duration::zero()) ++stats_.sleeps;
  if (engine_->poll(timeout).writable) blocked_ = false;
  polled_ = true;
}

// Accounts. ---------------------------------------------------------------------------------------

WorkerStats& WorkerStats::operator+=(const WorkerStats& o) {
  udp += o.udp;
  kernel_drops += o.kernel_drops;
  rounds += o.rounds;
  sleeps += o.sleeps;
  tasks += o.tasks;
  trains_forwarded += o.trains_forwarded;
  trains_taken_over += o.trains_taken_over;
  trains_forward_dropped += o.trains_forward_dropped;
  trains_unclaimed += o.trains_unclaimed;
  cpu_time += o.cpu_time;
  return *this;
}

WorkerStats Worker::current_stats() const {
  WorkerStats stats = stats_;
  stats.udp = engine_->counters();
  stats.kernel_drops = engine_->kernel_drops();
  stats.cpu_time = read_clock(CLOCK_THREAD_CPUTIME_ID);
  return stats;
}

WorkerStats Worker::stats() {
  if (auto stats = call([](Worker& worker) { return worker.current_stats(); })) return *stats;
  ended_.wait(false, std::memory_order_acquire);
  return stats_;
}

Duration Worker::cpu_time() const {
  timespec time{};
  if (!ended_.load(std::memory_order_acquire) && clock_gettime(cpu_clock_, &time) == 0) {
    return Duration{std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
  }
  ended_.wait(false, std::memory_order_acquire);
  return stats_.cpu_time;
}

}  // namespace hawser::runtime
