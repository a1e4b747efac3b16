// frame_check.h: what each end says, packet by packet, keeps its own promises and the peer's limits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "events/event_sink.h"
#include "sim/application.h"

namespace hawser::sim {

// RFC 9000 section 4.1: limits only rise, and stream data stays below those that the peer gave, of the stream and of
// the connection. Section 4.5: the end of a stream stays where it was once told. RFC 9001 section 6: the key phase
// rises by one, and nobody begins an update before a packet of the current phase was acknowledged.
class FrameCheck final : public EventSink {
 public:
  explicit FrameCheck(Verdict& verdict)
      : EventSink(event_bit(EventGroup::kConnection) | event_bit(EventGroup::kPackets)), verdict_(verdict) {}

  using EventSink::on_event;
  void on_event(const EventContext& context, const ParametersSet& event) override;
  void on_event(const EventContext& context, const PacketSent& event) override;
  void on_event(const EventContext& context, const PacketReceived& event) override;
  void on_event(const EventContext& context, const PacketsAcked& event) override;
  void on_event(const EventContext& context, const KeyUpdated& event) override;

 private:
  struct Stream {
    std::uint64_t sent = 0;   // the end of what was sent
    std::uint64_t limit = 0;  // MAX_STREAM_DATA that came
    std::optional<std::uint64_t> final_size;
  };
  struct End {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> promised;  // by frame type and stream: the last
    std::map<std::uint64_t, Stream> streams;
    std::map<std::string, std::uint64_t, std::less<>> initial;  // the peer's transport parameters
    std::uint64_t sent_data = 0;                                // of all streams
    std::uint64_t data_limit = 0;                               // MAX_DATA that came
    std::uint64_t phase = 0;
    std::map<std::uint64_t, std::uint64_t> first_of_phase;  // packet number by Path ID
    bool phase_acked = false;                               // one of them or a later one was acknowledged
  };

  End& end(const EventContext& context) { return ends_[{context.connection, context.vantage}]; }
  void fail(const EventContext& context, const std::string& what);
  void check_promise(const EventContext& context, End& end, const FrameSummary& frame);
  void check_stream(const EventContext& context, End& end, const FrameSummary& frame);
  void check_end(const EventContext& context, Stream& stream, std::uint64_t id, std::uint64_t final_size);
  void check_phase(const EventContext& context, End& end, const PacketSent& event);

  Verdict& verdict_;
  std::map<std::pair<std::uint64_t, Vantage>, End> ends_;
};

}  // namespace hawser::sim
