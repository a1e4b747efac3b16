// node.h: a sans-I/O machine as the simulator drives it. quic::Endpoint is one behind
// EndpointNode; tests of the simulator itself use smaller ones.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/datagram.h"
#include "base/time.h"
#include "quic/endpoint/endpoint.h"

namespace hawser::sim {

class Node {
 public:
  virtual ~Node() = default;
  virtual void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) = 0;
  virtual void on_timeout(Timestamp now) = 0;
  virtual std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) = 0;
  [[nodiscard]] virtual std::optional<Timestamp> next_timeout() const = 0;
};

// Drives an endpoint, which must outlive it.
class EndpointNode final : public Node {
 public:
  explicit EndpointNode(quic::Endpoint& endpoint) : endpoint_(&endpoint) {}
  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) override { endpoint_->on_datagrams(batch, now); }
  void on_timeout(Timestamp now) override { endpoint_->on_timeout(now); }
  std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) override {
    return endpoint_->next_transmits(now, trains);
  }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return endpoint_->next_timeout(); }

 private:
  quic::Endpoint* endpoint_;
};

}  // namespace hawser::sim
