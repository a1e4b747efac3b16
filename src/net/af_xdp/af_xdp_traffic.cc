// af_xdp_traffic.cc: the way of a datagram through the engine: frames of the queues into trains,
// trains into frames, and the kernel's sockets for the rest.
#include <algorithm>

#include "base/check.h"
#include "net/af_xdp/af_xdp_engine.h"

namespace hawser::net {
namespace {

// Calls of receive() between two looks at everything else.
constexpr std::size_t kLookAroundRounds = 64;

}  // namespace

// Receiving. --------------------------------------------------------------------------------------

std::size_t AfXdpEngine::receive(std::span<ReceivedTrain> out) {
  const std::size_t round = ++next_queue_;
  if (round % kLookAroundRounds == 0) look_around();
  // In turns, so that neither starves the other.
  if (round % 2 == 0) {
    const std::size_t filled = receive_frames(out);
    return filled + kernel_->receive(out.subspan(filled));
  }
  const std::size_t filled = kernel_->receive(out);
  return filled + receive_frames(out.subspan(filled));
}

std::size_t AfXdpEngine::receive_frames(std::span<ReceivedTrain> out) {
  if (queues_.empty()) return 0;
  for (Queue& queue : queues_) queue.socket->return_taken();
  collector_->begin(out.size());
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    if (!collect(queues_[(next_queue_ + i) % queues_.size()])) break;
  }
  const std::size_t filled = keep_served(out.first(collector_->finish(out)));
  counters_.trains_received += filled;
  return filled;
}

// Drops what was under way to a socket that has been closed, and moves the rest to the front.
std::size_t AfXdpEngine::keep_served(std::span<ReceivedTrain> trains) {
  std::size_t kept = 0;
  for (const ReceivedTrain& train : trains) {
    const std::size_t datagrams = (train.bytes.size() + train.segment_size - 1) / train.segment_size;
    if (kernel_->serving(train.tuple) == nullptr) {
      counters_.receive_discarded += datagrams;
      continue;
    }
    counters_.datagrams_received += datagrams;
    counters_.octets_received += train.bytes.size();
    trains[kept] = train;
    ++kept;
  }
  return kept;
}

// False once the collector is full.
bool AfXdpEngine::collect(Queue& queue) {
  const std::size_t arrived = queue.socket->arrived();
  const std::uint32_t interface_index = links_[queue.link].interface.index;
  std::size_t taken = 0;
  bool has_room = true;
  for (; taken < arrived; ++taken) {
    const auto frame = parse_udp_frame(queue.socket->frame(taken));
    if (!frame) {
      ++counters_.receive_discarded;
      continue;
    }
    has_room = collector_->add(*frame, interface_index);
    if (!has_room) break;
  }
  queue.socket->take(taken);
  return has_room;
}

// Sending. ----------------------------------------------------------------------------------------

std::size_t AfXdpEngine::lend(std::span<TransmitTrain> out) {
  return kernel_->lend(out);
}

std::size_t AfXdpEngine::send(std::span<TransmitTrain> trains) {
  std::size_t done = 0;
  Exit exit;
  bool kernel_is_full = false;
  blocked_ = false;
  while (done < trains.size() && !kernel_is_full && !blocked_) {
    if (goes_past_kernel(trains[done], exit)) {
      if (send_frames(trains[done], exit)) ++done;
      continue;
    }
    std::size_t run = 1;
    while (done + run < trains.size() && !goes_past_kernel(trains[done + run], exit)) ++run;
    // Frames first, so that datagrams of one connection keep their order.
    flush_queues();
    const std::size_t sent = kernel_->send(trains.subspan(done, run));
    done += sent;
    kernel_is_full = sent < run;
  }
  flush_queues();
  return done;
}

bool AfXdpEngine::goes_past_kernel(const TransmitTrain& train, Exit& exit) {
  const bool same = exit.headers && exit.asked == train.tuple && exit.ecn == train.ecn;
  if (!same && !find_exit(train, exit)) return false;
  return std::min(train.segment_size, train.size) <= exit.payload_max;
}

// False if only the kernel knows the way, or if no socket of ours is where the train wants to
// leave from, which the kernel engine counts.
bool AfXdpEngine::find_exit(const TransmitTrain& train, Exit& exit) {
  exit.headers.reset();
  if (queues_.empty()) return false;
  const UdpSocket* const socket = kernel_->serving(train.tuple);
  if (socket == nullptr) return false;
  FourTuple tuple = train.tuple;
  if (tuple.local.family == AddressFamily::kNone) tuple.local = socket->local_address();
  if (tuple.local.family != tuple.remote.family) tuple.local = {};
  const Route* const route = routes_->find(tuple);
  if (route == nullptr) return false;
  const auto link = std::ranges::find_if(
      links_, [&](const Link& l) { return l.interface.index == route->interface_index && l.queues != 0; });
  if (link == links_.end()) return false;

  tuple.local = route->source;
  tuple.local.port = socket->local_address().port;
  LinkHop hop{.source = link->interface.station, .destination = route->next_station};
  if (route->hop_limit != 0) hop.hop_limit = route->hop_limit;
  exit.asked = train.tuple;
  exit.ecn = train.ecn;
  exit.queue = link->first_queue;
  const XskSocket& queue = *queues_[exit.queue].socket;
  const std::size_t packet_max = std::min(link->interface.mtu, queue.options().frame_size - kEthernetHeaderSize);
  exit.payload_max = packet_max - std::min(packet_max, ip_overhead(tuple.remote.family));
  exit.headers.emplace(hop, tuple, train.ecn, socket->capabilities().dont_fragment);
  return true;
}

// True if all of the train is on its way; else it is cut to what is left, and blocked_ is set.
bool AfXdpEngine::send_frames(TransmitTrain& train, Exit& exit) {
  Queue& queue = queues_[exit.queue];
  XskSocket& socket = *queue.socket;
  HAWSER_DCHECK(train.size != 0 && train.segment_size != 0 && train.size <= train.buffer.size());
  while (train.size != 0) {
    std::uint8_t* frame = socket.next_frame();
    if (frame == nullptr) {
      queue.unflushed = false;
      socket.flush(counters_.send_calls);
      frame = socket.next_frame();
    }
    if (frame == nullptr) {
      ++counters_.send_blocked;
      blocked_ = true;
      blocked_queue_ = exit.queue;
      return false;
    }
    const std::size_t octets = std::min(train.segment_size, train.size);
    socket.push(exit.headers->write(frame, train.buffer.first(octets), ++identification_));
    queue.unflushed = true;
    ++counters_.datagrams_sent;
    counters_.octets_sent += octets;
    train.buffer = train.buffer.subspan(octets);
    train.size -= octets;
  }
  ++counters_.trains_sent;
  return true;
}

void AfXdpEngine::flush_queues() {
  for (Queue& queue : queues_) {
    if (!queue.unflushed) continue;
    queue.unflushed = false;
    queue.socket->flush(counters_.send_calls);
  }
}

}  // namespace hawser::net
