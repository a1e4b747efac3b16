// scheduler.h: whose turn it is to send (RFC 9218 section 10): a bit per urgency and two
// lists each, so that the next stream is found in constant time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>

#include "quic/streams/stream.h"

namespace hawser::quic {

inline constexpr std::uint8_t kUrgencies = 8;

class StreamScheduler {
 public:
  // Puts in a stream that can send; its priority must not change until it is taken out. In
  // id order that costs constant time for the lowest or highest id of its urgency, and one
  // step for each later stream of its urgency otherwise.
  void add(Stream& stream);
  void remove(Stream& stream);

  // The stream to serve next, or nullptr.
  [[nodiscard]] Stream* next() const;
  // Its urgency; kUrgencies: there is none.
  [[nodiscard]] std::uint8_t next_urgency() const {
    return static_cast<std::uint8_t>(nonempty_ == 0 ? static_cast<int>(kUrgencies) : std::countr_zero(nonempty_));
  }
  // `stream` wrote a frame and has more. Incremental streams of its urgency take turns, and
  // so do the incremental ones as a group with the others, lest either starve.
  void on_served(Stream& stream);

  [[nodiscard]] bool empty() const { return nonempty_ == 0; }
  // Gives memory back if no stream waits; then whose turn it is begins anew.
  void rest() {
    if (empty()) levels_.reset();
  }
  [[nodiscard]] std::size_t memory() const { return levels_ != nullptr ? sizeof(Levels) : 0; }

 private:
  using List = IntrusiveList<Stream, &Stream::send_link>;
  struct Level {
    List in_order;
    List in_turns;
    bool turn_of_incremental = false;
  };
  using Levels = std::array<Level, kUrgencies>;
  std::unique_ptr<Levels> levels_;  // from the first stream on
  std::uint8_t nonempty_ = 0;       // bit u: levels_[u] has a stream
};

}  // namespace hawser::quic
