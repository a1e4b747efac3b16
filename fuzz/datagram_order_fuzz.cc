// datagram_order_fuzz.cc: datagrams in any order at any time: once, in order, in time, within bounds.
// room: datagrams
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>

#include "base/check.h"
#include "quic/datagrams/datagram_order.h"

using namespace hawser;
using namespace hawser::quic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const DatagramOrderLimits limits{.wait = std::chrono::milliseconds(data[0]),
                                   .count = std::size_t{1} << (data[1] & 7),
                                   .octets = std::size_t{16} << (data[2] & 7),
                                   .deliver_late = (data[3] & 1) != 0,
                                   .first = (data[3] & 2) != 0 ? std::optional<std::uint64_t>(0) : std::nullopt};
  DatagramOrder order(limits);
  Timestamp now(std::chrono::seconds(1));
  std::map<std::uint64_t, Timestamp> came;  // numbers that were not handed on, and when they came first
  std::uint64_t pushed = 0;
  std::uint64_t next = 0;
  std::uint64_t handed_on = 0;
  std::uint64_t current = ~std::uint64_t{0};  // what is being pushed, which may be late
  const auto deliver = [&](Bytes payload) {
    std::uint64_t number = 0;
    HAWSER_CHECK(payload.size() >= sizeof number);
    std::memcpy(&number, payload.data(), sizeof number);
    const bool beyond = number > DatagramOrder::kNumberMax;
    HAWSER_CHECK((number >= next && !beyond) || (limits.deliver_late && number == current));
    const auto it = came.find(number);
    HAWSER_CHECK(it != came.end() && now <= it->second + limits.wait);
    came.erase(it);
    if (!beyond) next = std::max(next, number + 1);
    ++handed_on;
  };
  std::uint64_t base = 0;
  for (std::size_t i = 4; i + 2 < size; i += 3) {
    // Nothing may be overdue when something comes.
    const Timestamp then = now + std::chrono::milliseconds(data[i] >> 4);
    while (order.due() <= then) {
      now = std::max(now, order.due());
      current = ~std::uint64_t{0};
      order.on_time(now, deliver);
    }
    now = then;
    if ((data[i] & 15) == 15) base += std::uint64_t{1} << (data[i + 1] % 50);
    // Once in a while a number that no flow reaches: it must stop nothing.
    const bool lies = (data[i] & 15) == 14;
    const std::uint64_t number = lies ? ~std::uint64_t{data[i + 1]} : base + (data[i + 1] & 31);
    base += (data[i] >> 1) & 1;
    std::uint8_t payload[8 + 255] = {};
    std::memcpy(payload, &number, sizeof number);
    current = number;
    came.emplace(number, now);
    ++pushed;
    const DatagramArrival arrival = order.push(number, Bytes(payload, 8 + data[i + 2]), now, deliver);
    if (arrival == DatagramArrival::kLate) came.erase(number);
    // A copy's first was counted, or it was handed on and this entry is nobody's.
    if (arrival == DatagramArrival::kCopy && number < next) came.erase(number);
    HAWSER_CHECK(order.held_count() <= limits.count && order.held_octets() <= limits.octets);
  }
  const DatagramOrderStats& stats = order.stats();
  HAWSER_CHECK(stats.in_order + stats.late + stats.copies + order.held_count() == pushed);
  HAWSER_CHECK(handed_on == stats.in_order + (limits.deliver_late ? stats.late : 0));
  return 0;
}
