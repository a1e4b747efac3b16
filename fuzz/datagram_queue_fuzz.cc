// datagram_queue_fuzz.cc: any sequence of calls on a connection's queue of datagrams keeps its accounts and bounds.
// room: connection
//
// Two octets are a call: which, and what with. The first four are the limits.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "quic/connection/datagram_queue.h"

namespace {

using namespace hawser;
using namespace hawser::quic;

constexpr std::size_t kPayloadMax = 255 * 8;
constexpr std::size_t kCallsMax = 4'096;

class Play {
 public:
  explicit Play(const DatagramLimits& limits) : limits_(limits), queue_(limits, events_) { queue_.begin(now_); }

  void call(std::uint8_t what, std::uint8_t with) {
    const DatagramFlowId flow = with % 7;
    switch (what % 8) {
      case 0:
        (void)queue_.set_flow(flow, {.urgency = static_cast<std::uint8_t>(with / 8),
                                     .drop = static_cast<DatagramDrop>(with % 3),
                                     .reports = with,
                                     .lifetime = Duration{(what / 8) * 1'000},
                                     .queue_max = with / 4u,
                                     .queue_octets_max = std::size_t{what} * with});
        break;
      case 1:
        queue_.close_flow(flow);
        break;
      case 2:
        now_ += Duration{with * 1'000};
        queue_.begin(now_);
        if ((what & 0x80) != 0) queue_.on_expiry();
        break;
      case 3:
        write(with * 6u, static_cast<std::uint8_t>(what / 8 % 8));
        break;
      case 4:
        resolve(with);
        break;
      case 5:
        queue_.deliver([](std::span<const DatagramReport>) {},
                       [&](DatagramFlowId writable) { (void)queue_.push({}, {.flow = writable}); });
        if (with == 0) queue_.rest();
        break;
      default:
        (void)queue_.push(Bytes(memory_).first(std::min(kPayloadMax, with * std::size_t{what} / 32)),
                          {.flow = flow, .id = what});
        break;
    }
    check();
  }

 private:
  void write(std::size_t room, std::uint8_t last) {
    payload_.reset(MutableBytes(packet_).first(std::min(room, packet_.size())));
    (void)queue_.write(payload_, 1'400, last);
    HAWSER_CHECK(payload_.size() <= room);
    flying_.insert(flying_.end(), payload_.frames().begin(), payload_.frames().end());
  }
  void resolve(std::uint8_t with) {
    if (flying_.empty()) return;
    if (with % 2 == 0)
      queue_.on_acked(flying_.back());
    else
      queue_.on_lost(flying_.back());
    flying_.pop_back();
  }
  void check() const {
    const DatagramStats s = queue_.stats();
    HAWSER_CHECK(s.queued == s.sent + s.expired + s.dropped + s.waiting);
    HAWSER_CHECK(s.sent >= s.acknowledged + s.lost);
    HAWSER_CHECK(s.waiting <= limits_.count && s.octets_waiting <= std::max(limits_.octets, kPayloadMax));
    HAWSER_CHECK((s.waiting == 0) == queue_.empty());
  }

  EventEmitter events_;
  DatagramLimits limits_;
  Timestamp now_{};
  DatagramQueue queue_;
  std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(kPayloadMax, 0x33);
  std::vector<std::uint8_t> packet_ = std::vector<std::uint8_t>(1'500);
  PacketPayload payload_;
  std::vector<SentFrame> flying_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  Play play({.count = data[0] + 1u, .octets = data[1] * 256u + data[2] + 1u});
  const std::size_t calls = std::min((size - 3) / 2, kCallsMax);
  for (std::size_t i = 0; i < calls; ++i) play.call(data[3 + 2 * i], data[4 + 2 * i]);
  return 0;
}
