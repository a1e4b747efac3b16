// address_check.h: what an end is told of its address (draft-ietf-quic-address-discovery-00) is one from which the
// other end's network really saw it come.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "events/event_sink.h"
#include "sim/application.h"
#include "sim/world.h"

namespace hawser::sim {

class AddressCheck final : public WireObserver, public EventSink {
 public:
  AddressCheck(NodeId server, Verdict& verdict)
      : EventSink(event_bit(EventGroup::kConnection)), server_(server), verdict_(verdict) {}

  // A client reports with its first probe of a path, before it has heard from there.
  void on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) override;
  void on_received(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) override;
  using EventSink::on_event;
  void on_event(const EventContext& context, const AddressObserved& event) override;

  // How often the client was told.
  [[nodiscard]] std::uint64_t told() const { return told_; }

 private:
  NodeId server_;
  Verdict& verdict_;
  std::map<bool, std::set<SocketAddress>> seen_by_;  // true: the server
  std::uint64_t told_ = 0;
};

}  // namespace hawser::sim
