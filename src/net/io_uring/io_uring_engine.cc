// io_uring_engine.cc: what comes from the ring, and the engine's face on it. The memory to
// receive into is in uring_buffers.cc, sending without a copy in zero_copy.cc. Other sends are
// UdpSocket's, as in every engine: an operation for each train costs more than sendmmsg.
#include "net/io_uring/io_uring_engine.h"

#include <fmt/format.h>

#ifdef HAWSER_HAVE_URING

#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "net/io_uring/uring.h"
#include "net/io_uring/uring_buffers.h"
#include "net/io_uring/uring_socket.h"
#include "net/io_uring/zero_copy.h"
#include "net/waker.h"

namespace hawser::net {
namespace {

constexpr std::size_t kReceiveSlotsMax = 4'096;
// The eventfd's place among the registered files, behind the sockets.
constexpr unsigned kWakeFile = kSocketsMax;
// Operations at once: for each socket one that receives and one that waits for room, the
// eventfd, and a train; as a power of two.
constexpr auto kOperations = static_cast<unsigned>(std::bit_ceil(2 * kSocketsMax + 2));

class IoUringEngine final : public Engine {
 public:
  static std::expected<std::unique_ptr<IoUringEngine>, ConfigError> create(const IoUringOptions& options);
  ~IoUringEngine() override;

  [[nodiscard]] EngineKind kind() const override { return EngineKind::kIoUring; }
  std::expected<SocketId, ConfigError> open(const UdpOptions& options) override;
  void close(SocketId socket) override;
  [[nodiscard]] SocketAddress local_address(SocketId socket) const override;
  [[nodiscard]] UdpCapabilities capabilities(SocketId socket) const override;
  PollResult poll(Duration timeout) override;
  std::size_t receive(std::span<ReceivedTrain> out) override;
  std::size_t lend(std::span<TransmitTrain> out) override;
  std::size_t send(std::span<TransmitTrain> trains) override;
  void wake() override;
  [[nodiscard]] UdpCounters counters() const override;
  [[nodiscard]] std::uint64_t kernel_drops() const override;

 private:
  // A filled slot that receive() has not handed out yet.
  struct Arrival {
    std::uint16_t slot = 0;
    std::uint8_t socket = 0;
    std::uint32_t generation = 0;
    std::uint32_t octets = 0;
  };

  IoUringEngine(std::unique_ptr<Uring> ring, std::unique_ptr<UringBuffers> buffers, const IoUringOptions& options);
  void arm();
  void enter();
  void wait(Duration timeout);
  [[nodiscard]] bool has_something_to_say() const;
  void take_completions();
  void take_completion(const io_uring_cqe& completion);
  void on_received(const io_uring_cqe& completion, const UringTag& tag);
  void on_writable(const UringTag& tag);
  void on_woken();
  std::size_t hand_out(std::span<ReceivedTrain> out);
  std::size_t send_through(std::size_t index, std::span<TransmitTrain> trains);
  bool send_without_copy(std::size_t index, const TransmitTrain& train);
  void watch_for_room(std::size_t index);

  // The ring is closed before the memory goes that it reads and writes.
  std::unique_ptr<UringBuffers> buffers_;
  UringSockets sockets_;
  std::unique_ptr<Uring> ring_;
  ZeroCopySender sender_;

  std::vector<Arrival> arrivals_;  // a ring as large as there are slots
  std::size_t first_arrival_ = 0;
  std::size_t arrival_count_ = 0;
  std::vector<std::uint16_t> lent_;  // slots that the application reads until the next receive()
  std::size_t next_to_arm_ = 0;      // rotates, so that a busy socket does not starve the others

  Waker waker_{0};                // not EFD_NONBLOCK: the operation that reads it is to wait
  std::uint64_t wake_count_ = 0;  // where the kernel writes what it read from the eventfd
  bool wake_armed_ = false;
  bool woken_ = false;         // poll() is to say so
  bool writable_ = false;      // likewise
  bool slot_freed_ = false;    // since the wait began
  bool lent_nothing_ = false;  // the last lend() found every slot read by the network card

  std::uint64_t calls_ = 0;  // that entered the ring
};

IoUringEngine::IoUringEngine(std::unique_ptr<Uring> ring, std::unique_ptr<UringBuffers> buffers,
                             const IoUringOptions& options)
    : buffers_(std::move(buffers)),
      ring_(std::move(ring)),
      sender_(*ring_, options.transmit_slots, options.zero_copy),
      arrivals_(options.receive_slots) {
  lent_.reserve(options.receive_slots);
}

std::expected<std::unique_ptr<IoUringEngine>, ConfigError> IoUringEngine::create(const IoUringOptions& options) {
  if (options.receive_slots == 0 || options.receive_slots > kReceiveSlotsMax || options.transmit_slots == 0 ||
      options.transmit_slots > kUringTransmitSlotsMax) {
    return std::unexpected(ConfigError{fmt::format("io_uring: give 1 to {} receive slots and 1 to {} transmit slots",
                                                   kReceiveSlotsMax, kUringTransmitSlotsMax)});
  }
  // Each operation and each slot completes once before the ring is looked at again.
  const auto completions =
      static_cast<unsigned>(std::bit_ceil(options.receive_slots + options.transmit_slots + kOperations));
  HAWSER_TRY(auto ring, Uring::create(kOperations, completions, kSocketsMax + 1));
  HAWSER_TRY(auto buffers, UringBuffers::create(*ring, options.receive_slots));
  std::unique_ptr<IoUringEngine> engine{new IoUringEngine(std::move(ring), std::move(buffers), options)};
  if (!engine->waker_.is_open() || !engine->ring_->register_file(kWakeFile, engine->waker_.fd())) {
    return std::unexpected(
        ConfigError{fmt::format("eventfd: {} (raise the limit of open files?)", std::strerror(errno))});
  }
  return engine;
}

IoUringEngine::~IoUringEngine() {
  // On its own thread, so that ports are free at once; otherwise the kernel sees to it soon.
  for (std::size_t i = 0; i < sockets_.used(); ++i) {
    if (sockets_[i].socket && ring_->started_here()) close(SocketId{static_cast<std::uint32_t>(i)});
  }
}

// Sockets. ----------------------------------------------------------------------------------------

std::expected<SocketId, ConfigError> IoUringEngine::open(const UdpOptions& options) {
  HAWSER_TRY(const std::uint32_t index, sockets_.find_free());
  HAWSER_TRY(UdpSocket opened, UdpSocket::open(options));
  if (!ring_->register_file(index, opened.fd())) {
    return std::unexpected(ConfigError{fmt::format("io_uring: cannot register a socket: {}", std::strerror(errno))});
  }
  const bool copies = !opened.capabilities().gso || options.send_call != nullptr;
  sockets_.put(index, std::move(opened)).copies = copies;
  return SocketId{index};
}

void IoUringEngine::close(SocketId id) {
  const std::uint32_t generation = sockets_.with_socket(id).generation;
  if (ring_->has_queued()) ring_->enter();  // or what is queued would come to the index's next socket
  if (ring_->started_here()) {
    ring_->cancel_file(id.value);
    take_completions();
  }
  HAWSER_CHECK(ring_->register_file(id.value, -1));
  sockets_.remove(id, {.generation = generation + 1});
}

SocketAddress IoUringEngine::local_address(SocketId socket) const {
  return sockets_.socket(socket).local_address();
}

UdpCapabilities IoUringEngine::capabilities(SocketId socket) const {
  return sockets_.socket(socket).capabilities();
}

// The ring. ---------------------------------------------------------------------------------------

// Queues what shall always be under way: receiving on each socket, and reading the eventfd.
void IoUringEngine::arm() {
  if (!wake_armed_) {
    wake_armed_ = true;
    io_uring_sqe& operation = ring_->next_operation();
    io_uring_prep_read(&operation, kWakeFile, &wake_count_, sizeof wake_count_, 0);
    operation.flags |= IOSQE_FIXED_FILE;
    operation.user_data = UringTag{.event = UringEvent::kWoken}.encode();
  }
  if (buffers_->in_kernel() == 0) return;
  for (std::size_t i = 0; i < sockets_.used(); ++i) {
    const std::size_t index = (next_to_arm_ + i) % sockets_.used();
    UringSocket& socket = sockets_[index];
    if (!socket.socket || socket.receiving) continue;
    socket.receiving = true;
    next_to_arm_ = index + 1;
    io_uring_sqe& operation = ring_->next_operation();
    buffers_->prepare_receive(operation, static_cast<unsigned>(index));
    operation.user_data =
        UringTag{
            .event = UringEvent::kReceived, .index = static_cast<std::uint8_t>(index), .generation = socket.generation}
            .encode();
  }
}

void IoUringEngine::enter() {
  arm();
  ++calls_;
  ring_->enter();
  take_completions();
}

void IoUringEngine::take_completions() {
  ring_->take_all([this](const io_uring_cqe& completion) { take_completion(completion); });
}

void IoUringEngine::take_completion(const io_uring_cqe& completion) {
  const UringTag tag = UringTag::decode(completion.user_data);
  switch (tag.event) {
    case UringEvent::kReceived:
      return on_received(completion, tag);
    case UringEvent::kWritable:
      return on_writable(tag);
    case UringEvent::kSent:
      sender_.on_completion(completion, tag.index);
      slot_freed_ = true;
      if (std::exchange(lent_nothing_, false)) writable_ = true;
      return;
    case UringEvent::kWoken:
      return on_woken();
  }
}

void IoUringEngine::on_received(const io_uring_cqe& completion, const UringTag& tag) {
  UringSocket& socket = sockets_[tag.index];
  const bool current = socket.generation == tag.generation;
  if ((completion.flags & IORING_CQE_F_MORE) == 0 && current) socket.receiving = false;
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const std::size_t at = (first_arrival_ + arrival_count_++) % arrivals_.size();
    arrivals_[at] = {.slot = buffers_->take(completion),
                     .socket = tag.index,
                     .generation = tag.generation,
                     .octets = static_cast<std::uint32_t>(std::max(completion.res, 0))};
  } else if (completion.res < 0 && completion.res != -ENOBUFS && completion.res != -ECANCELED && current) {
    // An error belongs to some datagram of the past: the socket itself goes on.
    ++socket.socket->counters().receive_errors;
  }
}

void IoUringEngine::on_writable(const UringTag& tag) {
  UringSocket& socket = sockets_[tag.index];
  if (socket.generation != tag.generation) return;
  socket.watched = false;
  writable_ = true;
}

void IoUringEngine::on_woken() {
  wake_armed_ = false;
  waker_.on_read();
  woken_ = true;
}

bool IoUringEngine::has_something_to_say() const {
  return arrival_count_ != 0 || woken_ || writable_;
}

// The word that memory is free again ends a wait too, but is nothing that poll() has to say.
void IoUringEngine::wait(Duration timeout) {
  const auto begin = std::chrono::steady_clock::now();
  Duration left = timeout;
  do {
    ++calls_;
    slot_freed_ = false;
    ring_->wait(left);
    take_completions();
    if (has_something_to_say() || !slot_freed_) return;
    if (timeout > Duration::zero()) left = timeout - (std::chrono::steady_clock::now() - begin);
  } while (timeout < Duration::zero() || left > Duration::zero());
}

PollResult IoUringEngine::poll(Duration timeout) {
  arm();
  if (has_something_to_say() || timeout == Duration::zero()) {
    if (ring_->has_queued() || ring_->has_news()) enter();
  } else {
    wait(timeout);
  }
  return {.readable = arrival_count_ != 0,
          .writable = std::exchange(writable_, false),
          .woken = std::exchange(woken_, false)};
}

void IoUringEngine::wake() {
  waker_.wake();
}

// Receiving. --------------------------------------------------------------------------------------

std::size_t IoUringEngine::receive(std::span<ReceivedTrain> out) {
  for (const std::uint16_t slot : lent_) buffers_->give_back(slot);
  lent_.clear();
  buffers_->publish();
  if (arrival_count_ == 0 && ring_->has_news()) enter();
  return hand_out(out);
}

std::size_t IoUringEngine::hand_out(std::span<ReceivedTrain> out) {
  std::size_t filled = 0;
  while (arrival_count_ != 0 && filled < out.size()) {
    const Arrival arrival = arrivals_[first_arrival_];
    first_arrival_ = (first_arrival_ + 1) % arrivals_.size();
    --arrival_count_;
    lent_.push_back(arrival.slot);
    UringSocket& socket = sockets_[arrival.socket];
    if (socket.generation != arrival.generation) continue;  // the socket was closed meanwhile
    ReceivedTrain& train = out[filled];
    if (!buffers_->read(arrival.slot, arrival.octets, socket.socket->local_address(), train)) {
      ++socket.socket->counters().receive_discarded;
      continue;
    }
    socket.socket->counters().count_received(train);
    ++filled;
  }
  return filled;
}

// Sending. ----------------------------------------------------------------------------------------

std::size_t IoUringEngine::lend(std::span<TransmitTrain> out) {
  std::size_t lent = sender_.lend(out);
  if (lent < out.size() && ring_->has_news()) {
    enter();
    lent = sender_.lend(out);
  }
  lent_nothing_ = lent == 0;
  return lent;
}

std::size_t IoUringEngine::send(std::span<TransmitTrain> trains) {
  return sockets_.send(
      trains, [this](std::size_t index, std::span<TransmitTrain> run) { return send_through(index, run); },
      [this](std::size_t index) { watch_for_room(index); });
}

// Large trains one by one without a copy, what is between them together.
std::size_t IoUringEngine::send_through(std::size_t index, std::span<TransmitTrain> trains) {
  UdpSocket& socket = *sockets_[index].socket;
  std::size_t done = 0;
  while (done < trains.size()) {
    std::size_t run = 0;
    while (done + run < trains.size() && (sockets_[index].copies || !sender_.wants(trains[done + run]))) ++run;
    const std::size_t sent = run == 0 ? 0 : socket.send(trains.subspan(done, run));
    done += sent;
    if (sent < run) break;
    // What cannot go like this is looked into by UdpSocket, which has a way around most.
    if (done < trains.size() && !send_without_copy(index, trains[done]) && socket.send(trains.subspan(done, 1)) == 0)
      break;
    if (done < trains.size()) ++done;
  }
  return done;
}

bool IoUringEngine::send_without_copy(std::size_t index, const TransmitTrain& train) {
  UdpSocket& socket = *sockets_[index].socket;
  sender_.queue(socket, static_cast<unsigned>(index), train);
  ++socket.counters().send_calls;
  // It does not wait for room, so it is over once it was submitted.
  while (!sender_.outcome()) {
    ring_->enter();
    take_completions();
  }
  if (*sender_.outcome() != 0) return false;
  socket.counters().count_sent(train, train.size);
  return true;
}

void IoUringEngine::watch_for_room(std::size_t index) {
  UringSocket& socket = sockets_[index];
  if (socket.watched) return;
  socket.watched = true;
  io_uring_sqe& operation = ring_->next_operation();
  io_uring_prep_poll_add(&operation, static_cast<int>(index), POLLOUT);
  operation.flags |= IOSQE_FIXED_FILE;
  operation.user_data =
      UringTag{
          .event = UringEvent::kWritable, .index = static_cast<std::uint8_t>(index), .generation = socket.generation}
          .encode();
}

// Accounts. ---------------------------------------------------------------------------------------

UdpCounters IoUringEngine::counters() const {
  UdpCounters sum = sockets_.counters();
  sum.receive_calls += calls_;
  return sum;
}

std::uint64_t IoUringEngine::kernel_drops() const {
  return sockets_.kernel_drops();
}

}  // namespace

std::optional<ConfigError> why_not_io_uring() {
  auto engine = IoUringEngine::create({.receive_slots = 1, .transmit_slots = 1});
  if (engine) return std::nullopt;
  return std::move(engine).error();
}

std::expected<std::unique_ptr<Engine>, ConfigError> make_io_uring_engine(const IoUringOptions& options) {
  return IoUringEngine::create(options);
}

}  // namespace hawser::net

#else  // HAWSER_HAVE_URING

namespace hawser::net {

std::optional<ConfigError> why_not_io_uring() {
  return ConfigError{"io_uring: this build is without it; build where liburing-dev is installed, or take epoll"};
}

std::expected<std::unique_ptr<Engine>, ConfigError> make_io_uring_engine(const IoUringOptions&) {
  return std::unexpected(*why_not_io_uring());
}

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
