// datagram_protocol.h: what a worker drives: anything sans-I/O that eats and makes trains of
// datagrams. One virtual call per batch, none per packet. quic::Endpoint comes in through
// EndpointProtocol (endpoint_protocol.h); tests bring smaller ones.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/datagram.h"
#include "base/time.h"

namespace hawser::runtime {

// Every call comes from the thread of the worker that drives it.
class DatagramProtocol {
 public:
  virtual ~DatagramProtocol() = default;

  // `batch` may be changed in place; no view of it survives the call.
  virtual void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) = 0;
  virtual void on_timeout(Timestamp now) = 0;
  // A datagram of a shared port that its worker's protocol could not place (Worker::share_stray).
  virtual void on_stray(const ReceivedTrain&, Timestamp) {}
  // Fills up to trains.size() trains and returns how many; called again until it says 0.
  virtual std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) = 0;
  // When on_timeout or next_transmits has to be called at the latest.
  [[nodiscard]] virtual std::optional<Timestamp> next_timeout() const = 0;

  // The worker stops: say goodbye to the peers. next_transmits is called once more until it
  // says 0, then the protocol is destroyed, after the worker's drain time or once idle().
  virtual void close(Timestamp now) = 0;
  [[nodiscard]] virtual bool idle() const = 0;
};

}  // namespace hawser::runtime
