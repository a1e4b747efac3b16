// frame_check.cc: frames that were sent against those before them and against those that came.
#include "sim/frame_check.h"

#include <algorithm>

namespace hawser::sim {
namespace {

constexpr std::uint64_t kResetStream = 0x04;
constexpr std::uint64_t kMaxData = 0x10;
constexpr std::uint64_t kMaxStreamData = 0x11;
constexpr std::uint64_t kMaxStreamsUni = 0x13;
constexpr std::uint64_t kResetStreamAt = 0x24;

bool is_stream(std::uint64_t type) {
  return type >= 0x08 && type <= 0x0f;
}

// The parameter that the receiver of a stream's data gave for it: "local" and "remote" are seen from there.
std::string_view initial_limit(std::uint64_t id, Vantage sender) {
  if ((id & 2) != 0) return "initial_max_stream_data_uni";
  const bool opened_by_sender = ((id & 1) != 0) == (sender == Vantage::kServer);
  return opened_by_sender ? "initial_max_stream_data_bidi_remote" : "initial_max_stream_data_bidi_local";
}

}  // namespace

void FrameCheck::fail(const EventContext& context, const std::string& what) {
  verdict_.fail("frames of " + std::string{qlog_name(context.vantage)} + " connection " +
                std::to_string(context.connection) + ": " + what);
}

void FrameCheck::on_event(const EventContext& context, const ParametersSet& event) {
  if (event.initiator != Owner::kRemote) return;
  End& e = end(context);
  for (const NamedValue& parameter : event.parameters) e.initial[std::string(parameter.name)] = parameter.value;
}

void FrameCheck::on_event(const EventContext& context, const PacketReceived& event) {
  End& e = end(context);
  for (const FrameSummary& frame : event.frames) {
    if (frame.type == kMaxData) e.data_limit = std::max(e.data_limit, frame.value);
    if (frame.type != kMaxStreamData) continue;
    Stream& stream = e.streams[frame.id];
    stream.limit = std::max(stream.limit, frame.value);
  }
}

void FrameCheck::on_event(const EventContext& context, const PacketSent& event) {
  End& e = end(context);
  check_phase(context, e, event);
  for (const FrameSummary& frame : event.frames) {
    if (frame.type >= kMaxData && frame.type <= kMaxStreamsUni) check_promise(context, e, frame);
    if (is_stream(frame.type)) check_stream(context, e, frame);
    if (frame.type == kResetStream || frame.type == kResetStreamAt)
      check_end(context, e.streams[frame.id], frame.id, frame.extra);
  }
}

void FrameCheck::check_promise(const EventContext& context, End& e, const FrameSummary& frame) {
  const std::uint64_t of_stream = frame.type == kMaxStreamData ? frame.id : 0;
  std::uint64_t& last = e.promised[{frame.type, of_stream}];
  if (frame.value < last)
    fail(context, "a limit falls from " + std::to_string(last) + " to " + std::to_string(frame.value) +
                      " in a frame of type " + std::to_string(frame.type));
  last = std::max(last, frame.value);
}

void FrameCheck::check_stream(const EventContext& context, End& e, const FrameSummary& frame) {
  Stream& stream = e.streams[frame.id];
  const std::uint64_t reached = frame.offset + frame.length;
  if (reached > stream.sent) {
    e.sent_data += reached - stream.sent;
    stream.sent = reached;
  }
  if (frame.fin) check_end(context, stream, frame.id, reached);
  if (stream.final_size && reached > *stream.final_size)
    fail(context, "stream " + std::to_string(frame.id) + " goes on behind its end");
  // Data in 0-RTT packets stands under limits of an earlier connection.
  const auto initial = e.initial.find(initial_limit(frame.id, context.vantage));
  if (initial == e.initial.end()) return;
  const std::uint64_t limit = std::max(stream.limit, initial->second);
  if (reached > limit)
    fail(context, "stream " + std::to_string(frame.id) + " reaches " + std::to_string(reached) + ", its limit is " +
                      std::to_string(limit));
  const std::uint64_t data_limit = std::max(e.data_limit, e.initial.find("initial_max_data")->second);
  if (e.sent_data > data_limit)
    fail(context,
         std::to_string(e.sent_data) + " octets of stream data sent, the limit is " + std::to_string(data_limit));
}

void FrameCheck::check_end(const EventContext& context, Stream& stream, std::uint64_t id, std::uint64_t final_size) {
  if (final_size < stream.sent || stream.final_size.value_or(final_size) != final_size)
    fail(context, "stream " + std::to_string(id) + " ends at " + std::to_string(final_size) + ", " +
                      std::to_string(stream.sent) + " octets of it were sent, and its end was told before");
  stream.final_size = final_size;
}

void FrameCheck::check_phase(const EventContext& context, End& e, const PacketSent& event) {
  if (!event.key_phase || !event.packet_number) return;
  if (*event.key_phase != e.phase) {
    if (*event.key_phase != e.phase + 1)
      fail(context, "the key phase goes from " + std::to_string(e.phase) + " to " + std::to_string(*event.key_phase));
    e.phase = *event.key_phase;
    e.first_of_phase.clear();
    e.phase_acked = false;
  }
  e.first_of_phase.try_emplace(event.path_id.value_or(0), *event.packet_number);
}

void FrameCheck::on_event(const EventContext& context, const PacketsAcked& event) {
  if (event.space != LoggedSpace::kApplication) return;
  End& e = end(context);
  const auto first = e.first_of_phase.find(event.path_id.value_or(0));
  if (first == e.first_of_phase.end()) return;
  for (const Range& range : event.packet_numbers) e.phase_acked |= range.end > first->second;
}

void FrameCheck::on_event(const EventContext& context, const KeyUpdated& event) {
  const KeyType ours = context.vantage == Vantage::kServer ? KeyType::kServerOneRtt : KeyType::kClientOneRtt;
  if (event.trigger != KeyTrigger::kLocalUpdate || event.key_type != ours) return;
  const End& e = end(context);
  if (!e.phase_acked)
    fail(context, "keys are updated again before a packet of phase " + std::to_string(e.phase) + " was acknowledged");
}

}  // namespace hawser::sim
