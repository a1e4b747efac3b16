// train_collector.h: makes trains of single datagrams: neighbours of one 4-tuple and one size
// come to lie behind each other, so that the protocol works on them together, as after GRO.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/datagram.h"
#include "net/af_xdp/frame.h"

namespace hawser::net {

// Datagrams collected at once: 256 of 1,452 octets are 372 KB, what a core's cache holds beside
// all else. More makes longer trains, but they are read from memory again.
inline constexpr std::size_t kCollectMax = 256;

class TrainCollector {
 public:
  // `payload_max`: of one datagram.
  explicit TrainCollector(std::size_t payload_max) : memory_(kCollectMax * payload_max) {}

  // Starts over: the trains that finish() gave are void.
  void begin(std::size_t trains_max);
  // Notes a datagram, which lies where it is until finish(). False if it has no room here: finish
  // first. `interface_index`: where it came in.
  bool add(const UdpFrame& frame, std::uint32_t interface_index);
  // Writes the trains to `out`, which has room for trains_max of them, and returns how many. A
  // train of one datagram is where its frame was; longer ones are in memory of the collector.
  // Datagrams of one 4-tuple keep their order.
  std::size_t finish(std::span<ReceivedTrain> out);

 private:
  // Trains that a datagram may still join. Of more flows at once, some trains come out shorter.
  static constexpr std::size_t kOpenTrains = 8;
  // The largest that GRO makes.
  static constexpr std::size_t kTrainOctetsMax = 65'507;

  static constexpr std::uint16_t kNone = 0xffff;
  struct Datagram {
    MutableBytes payload;
    std::uint16_t next = kNone;  // in the same train
  };
  struct Train {
    UdpFrame first;
    std::uint32_t interface_index = 0;
    std::uint16_t first_datagram = 0;
    std::uint16_t last_datagram = 0;
    std::size_t octets = 0;
    std::size_t segment_size = 0;
    bool ended = false;  // by a shorter datagram
  };

  bool append(Train& train, const UdpFrame& frame);
  std::uint16_t note(const UdpFrame& frame);

  std::vector<std::uint8_t> memory_;
  std::size_t memory_used_ = 0;
  std::array<Datagram, kCollectMax> datagrams_;
  std::size_t datagram_count_ = 0;
  std::array<Train, kCollectMax> trains_;
  std::size_t train_count_ = 0;
  std::size_t trains_max_ = 0;
  std::size_t last_train_ = 0;  // where the last datagram went
};

}  // namespace hawser::net
