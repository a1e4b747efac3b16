// event_log.cc: packets as events. Frames are read back from the plaintext, so that what is
// logged is what was on the wire; nothing here runs unless someone listens.
#include <vector>

#include "quic/connection/core.h"
#include "quic/wire/frames/all_frames.h"

namespace hawser::quic {
namespace {

LoggedPacketType logged_type(EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::kInitial:
      return LoggedPacketType::kInitial;
    case EncryptionLevel::kZeroRtt:
      return LoggedPacketType::kZeroRtt;
    case EncryptionLevel::kHandshake:
      return LoggedPacketType::kHandshake;
    default:
      return LoggedPacketType::kOneRtt;
  }
}

// The frames of one packet with the ranges that their summaries refer to.
class FrameLog {
 public:
  // `ack_delay_exponent` is the one that the sender of the frames declared.
  FrameLog(Bytes payload, std::uint64_t ack_delay_exponent) : in_(payload), ack_delay_exponent_(ack_delay_exponent) {
    // Views in summaries must stay good while vectors grow.
    ranges_.reserve(64);
    while (!in_.empty()) {
      const auto type = in_.next_type();
      if (!type || !add(*type)) return;
    }
  }
  [[nodiscard]] std::span<const FrameSummary> frames() const { return frames_; }

 private:
  bool add(std::uint64_t type);
  bool add_stream_frame(FrameSummary& summary);
  bool add_limit_frame(FrameSummary& summary);
  bool add_connection_frame(FrameSummary& summary);

  FrameReader in_;
  std::uint64_t ack_delay_exponent_;
  std::vector<FrameSummary> frames_;
  std::vector<std::vector<Range>> ranges_;
};

// Fills `summary` from a parsed frame; false if it did not parse.
template <class Frame, class Fill>
bool filled(const Parsed<Frame>& frame, Fill&& fill) {
  if (!frame) return false;
  fill(*frame);
  return true;
}

bool FrameLog::add_stream_frame(FrameSummary& s) {
  switch (s.type) {
    case 0x04:
      return filled(parse_reset_stream(in_), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.error_code;
        s.extra = f.final_size;
      });
    case 0x05:
      return filled(parse_stop_sending(in_), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.error_code;
      });
    case 0x11:
      return filled(parse_max_stream_data(in_), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.maximum;
      });
    case 0x15:
      return filled(parse_stream_data_blocked(in_), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.limit;
      });
    default:
      return filled(parse_stream(in_), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.offset = f.offset;
        s.length = f.data.size();
        s.fin = f.fin;
      });
  }
}

bool FrameLog::add_limit_frame(FrameSummary& s) {
  switch (s.type) {
    case 0x10:
      return filled(parse_max_data(in_), [&s](const auto& f) { s.value = f.maximum; });
    case 0x12:
    case 0x13:
      return filled(parse_max_streams(in_), [&s](const auto& f) { s.value = f.maximum; });
    case 0x14:
      return filled(parse_data_blocked(in_), [&s](const auto& f) { s.value = f.limit; });
    default:
      return filled(parse_streams_blocked(in_), [&s](const auto& f) { s.value = f.limit; });
  }
}

bool FrameLog::add_connection_frame(FrameSummary& s) {
  switch (s.type) {
    case 0x06:
      return filled(parse_crypto(in_), [&s](const auto& f) {
        s.offset = f.offset;
        s.length = f.data.size();
      });
    case 0x07:
      return filled(parse_new_token(in_), [&s](const auto& f) { s.length = f.token.size(); });
    case 0x18:
      return filled(parse_new_connection_id(in_), [&s](const auto& f) {
        s.id = f.sequence_number;
        s.extra = f.retire_prior_to;
      });
    case 0x19:
      return filled(parse_retire_connection_id(in_), [&s](const auto& f) { s.id = f.sequence_number; });
    case 0x1a:
      return filled(parse_path_challenge(in_), [](const auto&) {});
    case 0x1b:
      return filled(parse_path_response(in_), [](const auto&) {});
    case 0x1c:
    case 0x1d:
      return filled(parse_connection_close(in_), [&s](const auto& f) {
        s.value = f.error_code;
        s.extra = f.frame_type;
        s.reason = as_text(f.reason_phrase);
      });
    case 0x30:
    case 0x31:
      return filled(parse_datagram(in_), [&s](const auto& f) { s.length = f.data.size(); });
    case 0xaf:
      return filled(parse_ack_frequency(in_), [&s](const auto& f) {
        s.id = f.sequence_number;
        s.value = f.ack_eliciting_threshold;
        s.extra = f.requested_max_ack_delay_us;
        s.offset = f.reordering_threshold;
      });
    default:
      return s.type == 0x01 || s.type == 0x1e || s.type == 0x1f;
  }
}

bool FrameLog::add(std::uint64_t type) {
  FrameSummary summary{.type = type};
  bool good = false;
  if (type == 0x00) {
    good = filled(parse_padding(in_), [&summary](const auto& f) { summary.length = f.count; });
  } else if (type == 0x02 || type == 0x03) {
    good = filled(parse_ack(in_), [this, &summary](const AckFrame& f) {
      summary.value = f.ack_delay << ack_delay_exponent_;
      if (ranges_.size() == ranges_.capacity()) return;
      std::vector<Range>& ranges = ranges_.emplace_back();
      for (auto at = f.begin(); at != f.end(); ++at) ranges.push_back(*at);
      std::reverse(ranges.begin(), ranges.end());
      summary.ranges = ranges;
    });
  } else if (type == 0x04 || type == 0x05 || is_stream_frame(type) || type == 0x11 || type == 0x15) {
    good = add_stream_frame(summary);
  } else if ((type >= 0x10 && type <= 0x17)) {
    good = add_limit_frame(summary);
  } else {
    good = add_connection_frame(summary);
  }
  if (good) frames_.push_back(summary);
  return good;
}

}  // namespace

void ConnectionCore::log_packet_sent(const OpenPacket& packet, Ecn ecn, bool mtu_probe) {
  // A copy of the payload object, since closing its pieces is for the sealing that follows.
  PacketPayload payload = packet.payload;
  std::vector<std::uint8_t> plain;
  for (const Bytes& piece : payload.pieces()) plain.insert(plain.end(), piece.begin(), piece.end());
  const FrameLog log(plain, kAckDelayExponent);
  const bool is_long = packet.level != EncryptionLevel::kOneRtt;
  emitter_.emit(PacketSent{.packet_type = logged_type(packet.level),
                           .packet_number = packet.packet_number.value,
                           .scid = is_long ? ids_.local.view() : Bytes{},
                           .dcid = path_->peer_cid(path_->active()).view(),
                           .size = packet.size(),
                           .frames = log.frames(),
                           .is_mtu_probe = mtu_probe,
                           .ecn = static_cast<LoggedEcn>(ecn)});
}

void ConnectionCore::log_packet_received(const ReceivedPacket& received, Bytes payload, std::size_t size) {
  const FrameLog log(payload, peer_.ack_delay_exponent);
  emitter_.emit(PacketReceived{.packet_type = logged_type(received.level),
                               .packet_number = received.number.value,
                               .dcid = received.dcid.view(),
                               .size = size,
                               .frames = log.frames(),
                               .ecn = static_cast<LoggedEcn>(received.ecn)});
}

// What the peer declared, once it took effect. 0 stands for what it left out.
void ConnectionCore::log_peer_parameters(const TransportParameters& peer) {
  const NamedValue values[] = {{"max_idle_timeout", peer.max_idle_timeout_ms},
                               {"max_udp_payload_size", peer.max_udp_payload_size},
                               {"initial_max_data", peer.initial_max_data},
                               {"initial_max_stream_data_bidi_local", peer.initial_max_stream_data_bidi_local},
                               {"initial_max_stream_data_bidi_remote", peer.initial_max_stream_data_bidi_remote},
                               {"initial_max_stream_data_uni", peer.initial_max_stream_data_uni},
                               {"initial_max_streams_bidi", peer.initial_max_streams_bidi},
                               {"initial_max_streams_uni", peer.initial_max_streams_uni},
                               {"ack_delay_exponent", peer.ack_delay_exponent},
                               {"max_ack_delay", peer.max_ack_delay_ms},
                               // 0: not offered; an offer of 0 looks the same and is as good as none.
                               {"min_ack_delay", peer.min_ack_delay_us.value_or(0)},
                               {"active_connection_id_limit", peer.active_connection_id_limit},
                               {"max_datagram_frame_size", peer.max_datagram_frame_size}};
  const auto view = [](const std::optional<ConnectionId>& id) { return id ? id->view() : Bytes{}; };
  emitter_.emit(ParametersSet{.initiator = Owner::kRemote,
                              .original_destination_connection_id = view(peer.original_destination_connection_id),
                              .initial_source_connection_id = view(peer.initial_source_connection_id),
                              .retry_source_connection_id = view(peer.retry_source_connection_id),
                              .parameters = values});
}

// What a client goes by in 0-RTT packets.
void ConnectionCore::log_restored_parameters(const TransportParameters& remembered) {
  if (!emitter_.wants(EventGroup::kConnection)) return;
  const NamedValue values[] = {{"max_idle_timeout", remembered.max_idle_timeout_ms},
                               {"max_udp_payload_size", remembered.max_udp_payload_size},
                               {"active_connection_id_limit", remembered.active_connection_id_limit},
                               {"initial_max_data", remembered.initial_max_data},
                               {"initial_max_stream_data_bidi_local", remembered.initial_max_stream_data_bidi_local},
                               {"initial_max_stream_data_bidi_remote", remembered.initial_max_stream_data_bidi_remote},
                               {"initial_max_stream_data_uni", remembered.initial_max_stream_data_uni},
                               {"initial_max_streams_bidi", remembered.initial_max_streams_bidi},
                               {"initial_max_streams_uni", remembered.initial_max_streams_uni},
                               {"max_datagram_frame_size", remembered.max_datagram_frame_size}};
  emitter_.emit(ParametersRestored{.parameters = values});
}

void ConnectionCore::log_ecn_state(quic::EcnState before, quic::EcnState now) {
  if (before == now) return;
  const auto logged = [](quic::EcnState state) {
    switch (state) {
      case quic::EcnState::kTesting:
        return hawser::EcnState::kTesting;
      case quic::EcnState::kUnknown:
        return hawser::EcnState::kUnknown;
      case quic::EcnState::kCapable:
        return hawser::EcnState::kCapable;
      case quic::EcnState::kFailed:
        return hawser::EcnState::kFailed;
    }
    return hawser::EcnState::kUnknown;
  };
  emitter_.emit(EcnStateUpdated{.old_state = logged(before), .new_state = logged(now)});
}

// Our own key (`write`) or the peer's came into its next phase.
void ConnectionCore::log_key_update(bool write, KeyTrigger trigger) {
  const OneRttKeys& keys = keys_.one_rtt();
  emitter_.emit(KeyUpdated{.key_type = is_server() == write ? KeyType::kServerOneRtt : KeyType::kClientOneRtt,
                           .key_phase = write ? keys.write_generation() : keys.read_generation(),
                           .trigger = trigger});
}

void ConnectionCore::log_state(LoggedConnectionState state) {
  emitter_.emit(ConnectionStateUpdated{.new_state = state});
}

}  // namespace hawser::quic
