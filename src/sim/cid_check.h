// cid_check.h: connection IDs are given, used and retired by the rules, as the frames of both ends tell it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "events/event_sink.h"
#include "sim/application.h"

namespace hawser::sim {

// RFC 9000 section 5.1.1: no more connection IDs are active than the peer takes. Sections 5.1.2 and 19.16: an end
// retires only what it was given, not in a packet to that very connection ID, and sends nothing to it afterwards.
class CidCheck final : public EventSink {
 public:
  explicit CidCheck(Verdict& verdict)
      : EventSink(event_bit(EventGroup::kConnection) | event_bit(EventGroup::kPackets)), verdict_(verdict) {}

  using EventSink::on_event;
  void on_event(const EventContext& context, const ParametersSet& event) override;
  void on_event(const EventContext& context, const PacketSent& event) override;
  void on_event(const EventContext& context, const PacketReceived& event) override;

 private:
  // Connection IDs that one end gives and the other one uses. Number 0 is that of the handshake.
  struct Given {
    std::uint64_t end = 1;              // behind the largest number
    std::uint64_t retire_prior_to = 0;  // the largest that was asked for
    std::set<std::uint64_t> retired;

    [[nodiscard]] std::uint64_t active() const;
  };
  struct End {
    Given by_us;
    Given by_peer;
    std::map<std::vector<std::uint8_t>, std::uint64_t> numbers;  // of the peer's connection IDs
    std::optional<std::uint64_t> limit;                          // the peer's active_connection_id_limit
  };

  End& end(const EventContext& context) { return ends_[{context.connection, context.vantage}]; }
  void fail(const EventContext& context, const std::string& what);
  static void give(Given& given, const FrameSummary& frame);

  Verdict& verdict_;
  std::map<std::pair<std::uint64_t, Vantage>, End> ends_;
};

}  // namespace hawser::sim
