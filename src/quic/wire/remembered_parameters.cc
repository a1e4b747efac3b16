// remembered_parameters.cc: names what is taken over, so that what is added later is not.
#include "quic/wire/remembered_parameters.h"

namespace hawser::quic {

// rfc9000:7.4.1-not-remembered rfc9000:7.4.1-remember-others rfc9221:3-after-parameter
// ack-frequency:3-not-remembered fec:2-not-remembered
TransportParameters remembered_parameters(const TransportParameters& of_then) {
  TransportParameters remembered;
  remembered.max_idle_timeout_ms = of_then.max_idle_timeout_ms;
  remembered.max_udp_payload_size = of_then.max_udp_payload_size;
  remembered.initial_max_data = of_then.initial_max_data;
  remembered.initial_max_stream_data_bidi_local = of_then.initial_max_stream_data_bidi_local;
  remembered.initial_max_stream_data_bidi_remote = of_then.initial_max_stream_data_bidi_remote;
  remembered.initial_max_stream_data_uni = of_then.initial_max_stream_data_uni;
  remembered.initial_max_streams_bidi = of_then.initial_max_streams_bidi;
  remembered.initial_max_streams_uni = of_then.initial_max_streams_uni;
  remembered.active_connection_id_limit = of_then.active_connection_id_limit;
  remembered.disable_active_migration = of_then.disable_active_migration;
  remembered.max_datagram_frame_size = of_then.max_datagram_frame_size;  // RFC 9221 section 3
  remembered.grease_quic_bit = of_then.grease_quic_bit;                  // RFC 9287 section 3.1
  // reset-stream-at:3-remembered
  remembered.reset_stream_at = of_then.reset_stream_at;
  // address-discovery:3-remembered
  remembered.address_discovery = of_then.address_discovery;
  return remembered;
}

}  // namespace hawser::quic
