// invariants.h: what must hold in every scenario, checked from outside: on the wire and in
// the stream of events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/event_sink.h"
#include "sim/application.h"
#include "sim/world.h"

namespace hawser::sim {

// RFC 9000 sections 8.1 and 9.3: to an address that is not validated, a server sends at most
// three times what it received from there. Measured on the wire. The addresses seen count as
// validated once a Handshake packet or an Initial with a token came from one of them, and an
// address alone once the server says that it validated the path to it; counting too early
// only makes the check milder.
class AmplificationCheck final : public WireObserver, public EventSink {
 public:
  AmplificationCheck(NodeId server, Verdict& verdict)
      : EventSink(event_bit(EventGroup::kConnection)), server_(server), verdict_(verdict) {}

  void on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) override;
  void on_received(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) override;
  using EventSink::on_event;
  void on_event(const EventContext& context, const PathValidated& event) override;

 private:
  struct Address {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    bool validated = false;
  };

  NodeId server_;
  Verdict& verdict_;
  std::map<SocketAddress, Address> addresses_;
};

// RFC 9000 section 9.5: whoever watches the network cannot link two addresses by a connection ID: no
// end sends with one from two of its addresses, nor, unless a NAT or an attacker changed them, to two
// of the peer's.
class LinkabilityCheck final : public WireObserver {
 public:
  LinkabilityCheck(Verdict& verdict, bool remote_too) : verdict_(verdict), remote_too_(remote_too) {}
  void on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) override;

 private:
  using Key = std::pair<NodeId, std::vector<std::uint8_t>>;

  Verdict& verdict_;
  bool remote_too_;
  std::map<Key, FourTuple> seen_;
};

// True if a datagram has a packet that only someone who receives at its source can send: a
// Handshake packet, or an Initial with a token. Exposed for its test.
bool proves_address(Bytes datagram);

// The events of each connection tell one consistent story: packet numbers rise, only sent
// packets are acknowledged or lost, each is lost once, no more is in flight than was sent,
// states and the end come once and in order.
class EventCheck final : public EventSink {
 public:
  explicit EventCheck(Verdict& verdict) : EventSink(kAllEvents & ~event_bit(EventGroup::kTimers)), verdict_(verdict) {}

  using EventSink::on_event;
  void on_event(const EventContext& context, const PacketSent& event) override;
  void on_event(const EventContext& context, const PacketsAcked& event) override;
  void on_event(const EventContext& context, const PacketLost& event) override;
  void on_event(const EventContext& context, const RecoveryMetricsUpdated& event) override;
  void on_event(const EventContext& context, const ConnectionStarted& event) override;
  void on_event(const EventContext& context, const ConnectionClosed& event) override;

  [[nodiscard]] std::uint64_t packets_sent() const { return packets_sent_; }
  [[nodiscard]] std::uint64_t packets_lost() const { return packets_lost_; }

 private:
  static constexpr std::size_t kSpaces = 3;
  enum class Fate : std::uint8_t { kNotSent, kSent, kLost };
  struct Space {
    std::vector<Fate> fates;  // by packet number
    std::vector<std::uint16_t> sizes;
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;
  };
  struct Story {
    std::array<Space, kSpaces> spaces;
    std::map<std::uint64_t, Space> paths;  // of Path IDs above 0
    std::uint64_t unaccounted_bytes = 0;   // sent and not lost: a bound for what is in flight
    bool started = false;
    bool closed = false;
  };

  // `path_id` empty: there are no several paths.
  static Space& space_of_path(Story& story, std::size_t space, std::optional<std::uint64_t> path_id) {
    return path_id.value_or(0) == 0 ? story.spaces[space] : story.paths[*path_id];
  }
  Story& story(const EventContext& context) { return stories_[{context.connection, context.vantage}]; }
  void fail(const EventContext& context, const std::string& what);

  Verdict& verdict_;
  std::map<std::pair<std::uint64_t, Vantage>, Story> stories_;
  std::uint64_t packets_sent_ = 0;
  std::uint64_t packets_lost_ = 0;
};

// Memory that a connection holds for stream data, against the windows it granted.
void check_buffers(const quic::Connection& connection, std::uint64_t streams, const char* side, Verdict& verdict);

// Once every stream is closed nothing of them is left.
void check_drained(const quic::Connection& connection, const char* side, Verdict& verdict);

}  // namespace hawser::sim
