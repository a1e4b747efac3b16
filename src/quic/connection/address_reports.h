// address_reports.h: which address of the peer was told on which 4-tuple, and which of ours we were told
// (draft-ietf-quic-address-discovery-00). Made with the rare state of a connection; what is owed on a
// network path is a flag of the NetworkPath, so that each new one owes its report by itself.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "quic/connection/config.h"
#include "quic/wire/frames/observed_address.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

class AddressReports {
 public:
  // Of either list; more than the network paths that a connection has at a time.
  static constexpr std::size_t kMax = 8;

  // Ours. --------------------------------------------------------------------------------------

  // The peer asked for reports and we are willing to give them.
  void enable() { enabled_ = true; }
  [[nodiscard]] bool enabled() const { return enabled_; }
  // Tells the peer that it is seen at `tuple.remote`.
  WriteResult write(PacketPayload& out, const FourTuple& tuple);
  // The 4-tuple on which a lost report has to be repeated, or nullptr if it is not known any more.
  [[nodiscard]] const FourTuple* on_lost(std::uint64_t sequence) const;
  void on_acked(std::uint64_t sequence);

  // The peer's. ----------------------------------------------------------------------------------

  // True if this says something that was not known of `tuple`.
  bool on_report(const FourTuple& tuple, const ObservedAddressFrame& frame);
  // What the peer last said on `tuple`; family kNone: nothing.
  [[nodiscard]] SocketAddress observed_on(const FourTuple& tuple) const;

  [[nodiscard]] std::uint64_t sent() const { return next_sequence_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const {
    return reported_.capacity() * sizeof(Reported) + observed_.capacity() * sizeof(Observed);
  }

 private:
  struct Reported {
    std::uint64_t sequence;
    FourTuple tuple;
  };
  struct Observed {
    FourTuple tuple;
    ObservedAddressFrame frame;
  };

  bool enabled_ = false;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t received_ = 0;
  std::vector<Reported> reported_;  // not acknowledged yet, the oldest first
  std::vector<Observed> observed_;  // the one that was first heard of first
};

// The transport parameter's value, and back.
constexpr std::uint64_t parameter_of(AddressDiscovery discovery) {
  return discovery == AddressDiscovery::kProvide ? 0 : discovery == AddressDiscovery::kReceive ? 1 : 2;
}
constexpr bool provides(AddressDiscovery discovery) {
  return discovery == AddressDiscovery::kProvide || discovery == AddressDiscovery::kBoth;
}
constexpr bool receives(AddressDiscovery discovery) {
  return discovery == AddressDiscovery::kReceive || discovery == AddressDiscovery::kBoth;
}

}  // namespace hawser::quic
