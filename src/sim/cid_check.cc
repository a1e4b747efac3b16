// cid_check.cc: NEW_CONNECTION_ID and RETIRE_CONNECTION_ID against those before them, and packets against both.
#include "sim/cid_check.h"

#include <algorithm>

namespace hawser::sim {
namespace {

constexpr std::uint64_t kNewConnectionId = 0x18;
constexpr std::uint64_t kRetireConnectionId = 0x19;

}  // namespace

std::uint64_t CidCheck::Given::active() const {
  const auto retired_since = std::ranges::count_if(retired, [this](std::uint64_t n) { return n >= retire_prior_to; });
  return end - retire_prior_to - static_cast<std::uint64_t>(retired_since);
}

void CidCheck::fail(const EventContext& context, const std::string& what) {
  verdict_.fail("connection IDs of " + std::string{qlog_name(context.vantage)} + " connection " +
                std::to_string(context.connection) + ": " + what);
}

// Numbers rise by one (section 5.1.1), so that those below were given as well: 1 in preferred_address.
void CidCheck::give(Given& given, const FrameSummary& frame) {
  given.end = std::max(given.end, frame.id + 1);
  given.retire_prior_to = std::max(given.retire_prior_to, frame.extra);
}

void CidCheck::on_event(const EventContext& context, const ParametersSet& event) {
  if (event.initiator != Owner::kRemote) return;
  for (const NamedValue& parameter : event.parameters)
    if (parameter.name == "active_connection_id_limit") end(context).limit = parameter.value;
}

void CidCheck::on_event(const EventContext& context, const PacketReceived& event) {
  End& e = end(context);
  for (const FrameSummary& frame : event.frames) {
    if (frame.type == kRetireConnectionId) e.by_us.retired.insert(frame.id);
    if (frame.type != kNewConnectionId) continue;
    give(e.by_peer, frame);
    e.numbers[{frame.data.begin(), frame.data.end()}] = frame.id;
  }
}

// rfc9000:5.1.1-limit-kept rfc9000:19.16-own-packet
void CidCheck::on_event(const EventContext& context, const PacketSent& event) {
  End& e = end(context);
  for (const FrameSummary& frame : event.frames) {
    if (frame.type == kRetireConnectionId) {
      // Number 1 may have come in preferred_address.
      if (frame.id >= std::max<std::uint64_t>(e.by_peer.end, 2))
        fail(context, "retires number " + std::to_string(frame.id) + ", which it was never given");
      e.by_peer.retired.insert(frame.id);
    }
    if (frame.type != kNewConnectionId) continue;
    give(e.by_us, frame);
    if (e.limit && e.by_us.active() > *e.limit)
      fail(context, std::to_string(e.by_us.active()) + " are active, the peer takes " + std::to_string(*e.limit));
  }
  const auto to = e.numbers.find({event.dcid.begin(), event.dcid.end()});
  if (to != e.numbers.end() && e.by_peer.retired.contains(to->second))
    fail(context, "a packet goes to number " + std::to_string(to->second) + ", which is retired");
}

}  // namespace hawser::sim
