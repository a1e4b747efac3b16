// setup_fields.h: every field of a setup with its name, for writing, reading and simplifying.
// A template because each visitor does its own thing with each type.
#pragma once

#include <string>

#include "sim/setup.h"

namespace hawser::sim {

template <class Visit>
void visit_fields(ElementSpec& e, Visit&& visit) {
  visit("duration", e.duration);
  visit("probability", e.probability);
  visit("exit", e.exit_probability);
  visit("bytes", e.bytes);
  visit("from", e.from);
  visit("until", e.until);
  visit("bits_per_second", e.rate.bits_per_second);
  visit("queue_bytes_max", e.rate.queue_bytes_max);
  visit("mark_above_bytes", e.rate.mark_above_bytes);
  visit("rebinds", e.nat.rebinds);
  visit("rebind_period", e.nat.rebind_period);
  visit("rebind_address", e.nat.rebind_address);
  visit("mapping_timeout", e.nat.mapping_timeout);
  visit("address_share", e.nat.address_share);
  visit("queue", e.queue.kind);
  visit("queue_limit", e.queue.bytes_max);
}

template <class Visit>
void visit_fields(ScheduledCommand& c, Visit&& visit) {
  visit("side", c.side);
  visit("at", c.at);
  visit("address", c.address);
  visit("controller", c.controller);
}

template <class Visit>
void visit_fields(const std::string& prefix, ApplicationProfile& a, Visit&& visit) {
  visit(prefix + "streams_bidi", a.streams_bidi);
  visit(prefix + "streams_uni", a.streams_uni);
  visit(prefix + "datagrams", a.datagrams);
  visit(prefix + "datagram_flows", a.datagram_flows);
  visit(prefix + "shared_writes", a.shared_writes);
  visit(prefix + "reading", a.reading);
  visit(prefix + "read_interval", a.read_interval);
  visit(prefix + "read_bytes", a.read_bytes);
  visit(prefix + "pause_from", a.pause_from);
  visit(prefix + "pause_until", a.pause_until);
  visit(prefix + "act_interval", a.act_interval);
  visit(prefix + "open_burst", a.open_burst);
  visit(prefix + "write_bytes", a.write_bytes);
  visit(prefix + "priorities", a.priorities);
}

template <class Visit>
void visit_fields(const std::string& prefix, quic::ConnectionConfig& c, Visit&& visit) {
  visit(prefix + "versions", c.versions);
  visit(prefix + "first_version", c.first_version);
  visit(prefix + "own_version_order", c.own_version_order);
  visit(prefix + "keep_alive", c.keep_alive);
  visit(prefix + "stream_receive_window", c.stream_receive_window);
  visit(prefix + "stream_receive_window_max", c.stream_receive_window_max);
  visit(prefix + "connection_receive_window", c.connection_receive_window);
  visit(prefix + "connection_receive_window_max", c.connection_receive_window_max);
  visit(prefix + "stream_send_buffer", c.stream_send_buffer);
  visit(prefix + "max_streams_bidi", c.max_streams_bidi);
  visit(prefix + "max_streams_uni", c.max_streams_uni);
  visit(prefix + "max_datagram_frame_size", c.max_datagram_frame_size);
  visit(prefix + "datagram_queue_max", c.datagram_queue_max);
  visit(prefix + "datagram_queue_octets_max", c.datagram_queue_octets_max);
  visit(prefix + "max_ack_delay", c.max_ack_delay);
  visit(prefix + "max_udp_payload", c.max_udp_payload);
  visit(prefix + "mtu_discovery", c.mtu_discovery);
  visit(prefix + "congestion_control", c.congestion_control);
  visit(prefix + "initial_rtt", c.initial_rtt);
  visit(prefix + "pacing", c.pacing);
  visit(prefix + "ecn", c.ecn);
  visit(prefix + "grease", c.grease);
  visit(prefix + "reset_stream_at", c.reset_stream_at);
  visit(prefix + "max_paths", c.max_paths);
  visit(prefix + "path_scheduler", c.path_scheduler);
  visit(prefix + "fec", c.fec);
  visit(prefix + "spin_bit", c.spin_bit);
  visit(prefix + "address_discovery", c.address_discovery);
  visit(prefix + "receive_timestamps", c.receive_timestamps);
  visit(prefix + "receive_timestamps_exponent", c.receive_timestamps_exponent);
  visit(prefix + "key_update_packets", c.key_update_packets);
  visit(prefix + "key_update_interval", c.key_update_interval);
  visit(prefix + "disable_active_migration", c.disable_active_migration);
  visit(prefix + "use_preferred_address", c.use_preferred_address);
}

// The fields that may be simplified.
template <class Visit>
void visit_story(Setup& s, Visit&& visit) {
  visit_fields("client.", s.client, visit);
  visit_fields("server.", s.server, visit);
  visit_fields("client_application.", s.client_application, visit);
  visit_fields("server_application.", s.server_application, visit);
  visit("retry", s.retry);
  visit("bytes_max", s.transfer.bytes_max);
  visit("reset_share", s.transfer.reset_share);
  visit("stop_share", s.transfer.stop_share);
  visit("classic_groups", s.classic_groups);
  visit("closer", s.closer);
  visit("max_segments", s.max_segments);
}

// The terms on which a run is judged: simplifying these would make failures of its own.
template <class Visit>
void visit_terms(Setup& s, Visit&& visit) {
  visit("client.idle_timeout", s.client.idle_timeout);
  visit("server.idle_timeout", s.server.idle_timeout);
  visit("client.handshake_timeout", s.client.handshake_timeout);
  visit("server.handshake_timeout", s.server.handshake_timeout);
  visit("nothing_is_lost", s.nothing_is_lost);
  visit("may_time_out", s.may_time_out);
  visit("may_rebind_early", s.may_rebind_early);
  visit("must_move", s.must_move);
  visit("bytes_min", s.transfer.bytes_min);
  visit("limit", s.limit);
}

}  // namespace hawser::sim
