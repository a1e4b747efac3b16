// train_collector.cc: first who belongs together, then one copy of what does.
#include "net/af_xdp/train_collector.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace hawser::net {

void TrainCollector::begin(std::size_t trains_max) {
  memory_used_ = 0;
  datagram_count_ = 0;
  train_count_ = 0;
  last_train_ = 0;
  trains_max_ = std::min(trains_max, trains_.size());
}

std::uint16_t TrainCollector::note(const UdpFrame& frame) {
  datagrams_[datagram_count_] = {.payload = frame.payload};
  return static_cast<std::uint16_t>(datagram_count_++);
}

// True if the train could take the datagram.
bool TrainCollector::append(Train& train, const UdpFrame& frame) {
  const std::size_t size = frame.payload.size();
  if (train.ended || size > train.segment_size || train.first.ecn != frame.ecn ||
      train.octets + size > kTrainOctetsMax) {
    return false;
  }
  const std::uint16_t number = note(frame);
  datagrams_[train.last_datagram].next = number;
  train.last_datagram = number;
  train.octets += size;
  train.ended = size < train.segment_size;
  return true;
}

bool TrainCollector::add(const UdpFrame& frame, std::uint32_t interface_index) {
  if (datagram_count_ == datagrams_.size()) return false;
  const auto same_tuple = [&](const Train& train) {
    return equal(train.first.addresses, frame.addresses) && train.interface_index == interface_index;
  };
  // From the newest back: of one 4-tuple only the newest train may grow, or its order would be
  // lost. The train of the last datagram is the newest of its 4-tuple.
  std::size_t found = train_count_;
  if (train_count_ != 0 && same_tuple(trains_[last_train_])) found = last_train_;
  const std::size_t oldest = train_count_ - std::min(train_count_, kOpenTrains);
  for (std::size_t i = train_count_; found == train_count_ && i-- > oldest;) {
    if (same_tuple(trains_[i])) found = i;
  }
  if (found != train_count_ && append(trains_[found], frame)) {
    last_train_ = found;
    return true;
  }
  if (train_count_ == trains_max_) return false;
  const std::uint16_t number = note(frame);
  trains_[train_count_] = {.first = frame,
                           .interface_index = interface_index,
                           .first_datagram = number,
                           .last_datagram = number,
                           .octets = frame.payload.size(),
                           .segment_size = frame.payload.size()};
  last_train_ = train_count_++;
  return true;
}

std::size_t TrainCollector::finish(std::span<ReceivedTrain> out) {
  HAWSER_DCHECK(out.size() >= train_count_);
  for (std::size_t i = 0; i < train_count_; ++i) {
    const Train& train = trains_[i];
    out[i].tuple = tuple_of(train.first, train.interface_index);
    out[i].ecn = train.first.ecn;
    out[i].segment_size = train.segment_size;
    out[i].bytes = train.first.payload;
    if (train.first_datagram == train.last_datagram) continue;
    out[i].bytes = MutableBytes(memory_).subspan(memory_used_, train.octets);
    for (std::uint16_t number = train.first_datagram; number != kNone; number = datagrams_[number].next) {
      const MutableBytes payload = datagrams_[number].payload;
      std::memcpy(memory_.data() + memory_used_, payload.data(), payload.size());
      memory_used_ += payload.size();
    }
  }
  return train_count_;
}

}  // namespace hawser::net
