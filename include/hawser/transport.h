// transport.h: what a connection shows to others and asks of its peer beyond moving data, and what came of it.
// A call that is given a value outside its range answers with Error::Kind::kOptions and sends nothing.
#pragma once

#include <cstdint>
#include <string>

namespace hawser {

// What the spin bit of packets shows to the networks on the way (RFC 9000 section 17.4).
enum class SpinBit : unsigned char {
  kOff,     // nothing: it is 0
  kOn,      // the round trip, where the peer shows it too; one connection in eight shows nothing all the same
  kRandom,  // nothing: a value that is drawn anew for each connection
};

struct TransportOptions {
  SpinBit spin_bit = SpinBit::kOff;

  // Keys older than this are exchanged with the next packet (RFC 9001 section 6): milliseconds, up to 2^40; 0:
  // whatever their age. Never more often than every three probe timeouts and a round trip.
  std::uint64_t key_update_interval_ms = 0;
  // Keys are exchanged after this many packets of ours, any number; 0: when the cipher's limit nears.
  std::uint64_t key_update_packets = 0;

  // Lets the peer abandon the rest of a stream whose beginning still arrives: RESET_STREAM_AT
  // (draft-ietf-quic-reliable-stream-reset-10 section 3).
  bool reset_stream_at = true;

  // Asks the peer from which address it sees us (draft-ietf-quic-address-discovery-00 section 3). It learns that we
  // asked, and need not tell the truth.
  bool ask_observed_address = false;

  // Asks the peer when our packets arrive and tells it when its own did, if it asks too
  // (draft-smith-quic-receive-ts-03 section 4): times in one acknowledgement, 1 to 63; 0: off.
  unsigned receive_timestamps = 0;
  // The unit of the peer's times is 2^this microseconds, 0 to 20.
  unsigned receive_timestamps_exponent = 0;
};

// What is known of a connection, as of the call. Plain values: owned by whoever got them.
struct ConnectionInfo {
  std::string local_address;   // "192.0.2.1:443" or "[2001:db8::1]:443"
  std::string remote_address;  // the same
  // Ours as the peer says it sees it; empty: it was not asked, does not know the extension or has not said yet.
  std::string observed_address;
  std::uint64_t key_updates = 0;  // of our own keys
  std::uint64_t smoothed_rtt_us = 0;
  // Of our packets, from the peer's receive timestamps; all 0 where it gives none.
  std::uint64_t timed_packets = 0;
  std::uint64_t one_way_delay_variation_us = 0;    // mean difference between packets that follow each other
  std::uint64_t one_way_delay_above_least_us = 0;  // of the latest packet: what it waited in queues
};

}  // namespace hawser
