// address_reports.cc: the books of address discovery, and its part of a connection.
#include "quic/connection/address_reports.h"

#include <algorithm>

#include "quic/connection/core.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {

// address-discovery:4-sequence
WriteResult AddressReports::write(PacketPayload& out, const FourTuple& tuple) {
  const ObservedAddressFrame frame{.sequence_number = next_sequence_, .address = tuple.remote};
  if (out.room() < observed_address_size(frame)) return WriteResult::kPacketFull;
  write_observed_address(out, frame);
  out.record({.kind = SentFrameKind::kObservedAddress, .id = next_sequence_});
  // A lost report of the oldest is missed then: whoever moves so often has moved on.
  if (reported_.size() == kMax) reported_.erase(reported_.begin());
  reported_.push_back({next_sequence_++, tuple});
  return WriteResult::kDone;
}

const FourTuple* AddressReports::on_lost(std::uint64_t sequence) const {
  const auto found = std::ranges::find(reported_, sequence, &Reported::sequence);
  return found == reported_.end() ? nullptr : &found->tuple;
}

void AddressReports::on_acked(std::uint64_t sequence) {
  std::erase_if(reported_, [sequence](const Reported& reported) { return reported.sequence == sequence; });
}

// address-discovery:4-older
bool AddressReports::on_report(const FourTuple& tuple, const ObservedAddressFrame& frame) {
  ++received_;
  const auto known = std::ranges::find(observed_, tuple, &Observed::tuple);
  if (known == observed_.end()) {
    if (observed_.size() == kMax) observed_.erase(observed_.begin());
    observed_.push_back({tuple, frame});
    return true;
  }
  if (frame.sequence_number <= known->frame.sequence_number) return false;
  const bool is_news = known->frame.address != frame.address;
  known->frame = frame;
  return is_news;
}

SocketAddress AddressReports::observed_on(const FourTuple& tuple) const {
  const auto known = std::ranges::find(observed_, tuple, &Observed::tuple);
  return known == observed_.end() ? SocketAddress{} : known->frame.address;
}

// In the connection. ------------------------------------------------------------------------------

// address-discovery:4-not-asked
void ConnectionCore::note_peer_address_discovery(std::optional<std::uint64_t> parameter) {
  const bool peer_receives = parameter && *parameter != parameter_of(AddressDiscovery::kProvide);
  if (provides(config_.address_discovery) && peer_receives) provide_migration().addresses.enable();
}

// Each network path owes one report from its beginning on (section 5); what limits network paths
// (kMaxOtherNetworkPaths, connection IDs, the credit of an address) limits reports. address-discovery:6.2-spoofed
// address-discovery:5-every-path address-discovery:5-change address-discovery:5-early
bool ConnectionCore::owes_address_report(const NetworkPath& network_path) const {
  return migration_ != nullptr && network_path.owes_address_report() && migration_->addresses.enabled() &&
         handshake_.complete;
}

WriteResult ConnectionCore::write_address_report(PacketPayload& out, NetworkPath& network_path) {
  if (!owes_address_report(network_path)) return WriteResult::kDone;
  const WriteResult result = migration_->addresses.write(out, network_path.tuple());
  if (result == WriteResult::kDone) network_path.set_owes_address_report(false);
  return result;
}

// address-discovery:4-retransmit address-discovery:4-same-path
void ConnectionCore::on_address_report_lost(std::uint64_t sequence) {
  const FourTuple* tuple = migration_->addresses.on_lost(sequence);
  if (tuple == nullptr) return;
  // Of whichever path: its loss may show on another one, where its frames were moved to.
  const auto owe_on = [tuple](Path& path) {
    if (NetworkPath* network_path = path.find(*tuple)) network_path->set_owes_address_report(true);
  };
  if (multipath_ == nullptr) {
    owe_on(*path_);
  } else {
    multipath_->for_each_open([&](PathSlot& slot) { owe_on(*slot.path); });
  }
  migration_->addresses.on_acked(sequence);
}

// address-discovery:4-unasked
Parsed<void> ConnectionCore::on_observed_address(FrameReader& in, ReceivedPacket& packet) {
  if (!receives(config_.address_discovery))
    return in.fault(TransportErrorCode::kProtocolViolation, "OBSERVED_ADDRESS was not asked for");
  HAWSER_TRY(const ObservedAddressFrame frame, parse_observed_address(in));
  if (!provide_migration().addresses.on_report(*packet.tuple, frame)) return {};
  emitter_.emit(
      AddressObserved{.observed = frame.address, .remote = packet.tuple->remote, .local = packet.tuple->local});
  // As of network paths: a batch brings few.
  constexpr std::size_t kMaxEventsPerBatch = 16;
  auto& observed = tell_.provide_rare().observed_addresses;
  if (observed.size() < kMaxEventsPerBatch) observed.push_back({.address = frame.address, .tuple = *packet.tuple});
  return {};
}

}  // namespace hawser::quic
