// datagram_order.h: puts datagrams that came over several paths back into order.
//
//   hawser::DatagramOrder order({.wait_ms = 50});
//   while (playing) {
//     if (const auto datagram = client->receive(order.due_in_ms(100))) order.push(number_of(*datagram), *datagram);
//     while (const auto next = order.pop()) play(*next);
//   }
//
// Datagrams have no numbers (RFC 9221 section 5): the application's messages bring their own, counted from 0 or from
// anywhere by one for each message of a flow (RTP's sequence number, extended, is one). An object is one flow's. One
// thread at a time may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace hawser {

struct DatagramOrderOptions {
  unsigned wait_ms = 50;          // milliseconds that a datagram is held for those before it, at most; 0: none is held
  std::size_t count_max = 1'024;  // datagrams held, 1 to 1,048,576; past it what is missing is given up
  std::size_t octets_max = std::size_t{1} << 20;  // of their payloads
  bool deliver_late = false;  // what comes after its place was given up: out of order, or, by default, not at all
  bool first_is_zero = true;  // false: the numbering begins with whichever comes first
};

// What became of it: pop() gives it next, behind what is waiting; it is held; it came too late for its place; it came
// before.
enum class DatagramArrival : unsigned char { kInOrder, kHeld, kLate, kCopy };

// Since the beginning.
struct DatagramOrderCounters {
  std::uint64_t in_order = 0;  // given in their place
  std::uint64_t held = 0;      // that had to wait
  std::uint64_t late = 0;
  std::uint64_t copies = 0;
  std::uint64_t given_up = 0;  // numbers that were waited for in vain; some may have come late
};

class DatagramOrder {
 public:
  explicit DatagramOrder(const DatagramOrderOptions& options = {});
  ~DatagramOrder();
  DatagramOrder(DatagramOrder&&) noexcept;
  DatagramOrder& operator=(DatagramOrder&&) noexcept;

  // A datagram came, now. `number` is below 2^62; others count as late. Copies `payload`.
  DatagramArrival push(std::uint64_t number, std::span<const std::uint8_t> payload);
  // The next in order, if it came, or if what stands before it was waited for long enough.
  std::optional<std::vector<std::uint8_t>> pop();
  // Milliseconds, rounded up, until pop() may have something without another push(): 0 if it has it now, `most` if that
  // is longer or nothing is held.
  [[nodiscard]] unsigned due_in_ms(unsigned most) const;
  [[nodiscard]] DatagramOrderCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser
