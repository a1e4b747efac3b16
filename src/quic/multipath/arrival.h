// arrival.h: when octets sent on a path would be there, for schedulers that compare that.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

// Until a datagram may leave. A full window opens with the next acknowledgement, of which there are as many
// in a round trip as datagrams in flight; one that is overdue is no reason for hope.
[[nodiscard]] Duration expected_wait(const PathFacts& path, Timestamp now);

// What a datagram takes to the receiver: half the smallest RTT, and all the delay that queues add to it, as
// they are taken to lie on the way of what we send.
[[nodiscard]] Duration one_way_delay(const PathFacts& path);

// From now until the last of `octets` is at the receiver. An unknown rate is taken to be a window in a round
// trip.
[[nodiscard]] Duration expected_arrival(const PathFacts& path, std::uint64_t octets, Timestamp now);

// True if all that was lost, or all that is left of a flow, would be there sooner over some other candidate than the
// next datagram over this one: neither what a reader waits for nor the end is left to a slow path. Lost octets wait for
// one that delivers eight times as much.
[[nodiscard]] bool ends_sooner_elsewhere(const SchedulerView& view, std::size_t index);

// Octets a second that the path delivers, as far as known.
[[nodiscard]] double delivery_rate(const PathFacts& path);

// It may send now, or something is known to come that lets it.
[[nodiscard]] bool will_send(const PathFacts& path);

// It has data in flight and has not acknowledged any for longer than its RTT explains: it may be dead.
[[nodiscard]] bool is_silent(const PathFacts& path, Timestamp now);

}  // namespace hawser::quic
