// bottleneck.h: a router's outgoing link: a bit rate, a queue in front of it, and what each
// flow met there. Several links may pass through one: that is what makes flows compete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/delay_histogram.h"
#include "sim/link.h"
#include "sim/queue.h"

namespace hawser::sim {

// Headers below UDP payload that take time on a link: IPv4 and UDP.
inline constexpr std::size_t kIpv4UdpHeaders = 28;

struct BottleneckOptions {
  std::uint64_t bits_per_second = 0;
  QueueSpec queue;
  std::size_t overhead_bytes = kIpv4UdpHeaders;  // added to each datagram's UDP payload
  Timestamp measure_from = kWorldStart;          // statistics of delay leave out what came before
};

// What the datagrams of one link, by the number of its World::connect, met.
struct BottleneckShare {
  std::uint64_t datagrams = 0;  // sent
  std::uint64_t bytes = 0;      // sent, as on the wire
  std::uint64_t drops = 0;
  std::uint64_t marks = 0;
  DelayHistogram delays;  // from arrival to the first bit on the link
};

class Bottleneck final : public Element, private QueueObserver {
 public:
  explicit Bottleneck(const BottleneckOptions& options);
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override;
  [[nodiscard]] bool holds() const override { return true; }
  [[nodiscard]] Timestamp next_departure() const override { return in_service_ ? departs_at_ : kNever; }
  void depart(Timestamp now, Release& out) override;

  [[nodiscard]] const Queue& queue() const { return *queue_; }
  [[nodiscard]] const BottleneckShare& share(std::size_t pipe) { return share_of(pipe); }
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  [[nodiscard]] std::uint64_t bits_per_second() const { return options_.bits_per_second; }

 private:
  void on_drop(const QueuedDatagram& datagram) override;
  void on_mark(const QueuedDatagram& datagram) override;
  void serve(Timestamp now);
  BottleneckShare& share_of(std::size_t pipe);

  BottleneckOptions options_;
  std::unique_ptr<Queue> queue_;
  std::optional<QueuedDatagram> in_service_;
  Timestamp departs_at_ = kNever;
  std::vector<BottleneckShare> shares_;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace hawser::sim
