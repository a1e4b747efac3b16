// fec.cc: the receiving half of forward error correction: keeps what came, reads what could be computed, and tells
// the peer. Before: receive.cc and frames.cc. After: streams/, datagrams.cc, recovery/loss.cc.
#include "quic/connection/fec.h"

#include <algorithm>

#include "quic/connection/multipath.h"
#include "quic/wire/frames/any_frame.h"

namespace hawser::quic {

void FecDeleter::operator()(Fec* fec) const {
  delete fec;
}

// fec:2-both
void ConnectionCore::negotiate_fec(const TransportParameters& peer) {
  if (!config_.fec.enabled || !peer.fec_schemes) return;
  provide_extras().fec.reset(new Fec(*this, *peer.fec_schemes));
}

Parsed<void> ConnectionCore::on_fec_frame(FrameReader& in, ReceivedPacket& packet) {
  if (fec() == nullptr) return in.encoding_error("a frame of forward error correction, which was not agreed on");
  HAWSER_TRY_VOID(charge(in, FloodGuard::kCheap));
  return fec()->on_frame(in, packet);
}

// fec:2-scheme
Fec::Fec(ConnectionCore& core, std::uint64_t peer_schemes)
    : core_(core),
      config_(core.config_.fec),
      may_send_(is_available(config_.scheme) && (peer_schemes >> static_cast<unsigned>(config_.scheme) & 1) != 0) {}

Fec::Lane* Fec::find(PathId path) {
  const auto found = std::ranges::find(lanes_, path, &Lane::path);
  return found == lanes_.end() ? nullptr : &*found;
}

Fec::Lane& Fec::lane() {
  const PathId path = core_.path_->id();
  if (Lane* const known = find(path)) return *known;
  // Paths come and go; as many as can be open at once are kept.
  std::erase_if(lanes_, [this](const Lane& lane) { return core_.path_of(lane.path.value) == nullptr; });
  return lanes_.emplace_back(Lane{.path = path, .sender = nullptr, .receiver = nullptr});
}

Fec::Receiver& Fec::receiver() {
  Lane& here = lane();
  if (here.receiver == nullptr) here.receiver = std::make_unique<Receiver>();
  return *here.receiver;
}

// fec:3-before
Parsed<void> Fec::on_frame(FrameReader& in, const ConnectionCore::ReceivedPacket& packet) {
  if (in.frame_type() == code_point(FrameType::kFecRecovered)) return on_recovered_frame(in);
  HAWSER_TRY(const FecRepairFrame frame, parse_fec_repair(in));
  if (frame.packets.last() >= packet.number.value)
    return in.fault(TransportErrorCode::kProtocolViolation, "FEC_REPAIR of packets that were not sent before it");
  // fec:3-scheme
  if (!is_available(frame.scheme)) return in.encoding_error("FEC_REPAIR of a scheme that was not offered");
  ++stats_.repairs_received;
  stats_.repair_bytes_received += frame.symbol.size();
  Receiver& here = receiver();
  here.repair_came = true;
  // A symbol may make us solve equations for what it says in a few octets. One of packets that all came is nothing:
  // small datagrams with a symbol each would not earn what that costs.
  if (!here.decoder.on_repair(frame)) return {};
  return core_.charge(in, FloodGuard::kStreamEnd);
}

// fec:3-unsent
Parsed<void> Fec::on_recovered_frame(FrameReader& in) {
  HAWSER_TRY(const FecRecoveredFrame frame, parse_fec_recovered(in));
  const Lane* const here = find(core_.path_->id());
  if (here == nullptr || here->sender == nullptr || !here->sender->began)
    return in.fault(TransportErrorCode::kProtocolViolation, "FEC_RECOVERED without a repair symbol");
  RecoveryFrames& frames = core_.recovery_;
  frames.clear();
  frames.begin_acked_run();
  bool all_sent = true;
  std::uint64_t news = 0;
  frame.packets.for_each([&](std::uint64_t number) {
    const auto found = core_.path_->loss().on_contents_recovered(number, frames);
    all_sent &= found.has_value();
    news += found.value_or(false) ? 1 : 0;
  });
  if (!all_sent)
    return in.fault(TransportErrorCode::kProtocolViolation, "FEC_RECOVERED of a packet that was never sent");
  stats_.peer_recovered += news;
  core_.on_frames_recovered(PacketNumberSpace::kApplication);
  return {};
}

void Fec::on_packet(Bytes payload, const ConnectionCore::ReceivedPacket& packet) {
  if (!packet.ack_eliciting) return;
  Receiver& here = receiver();
  // A packet with a repair symbol is protected by none.
  if (!std::exchange(here.repair_came, false)) here.decoder.on_packet(packet.number.value, payload);
  recover(here, *packet.tuple);
}

// fec:4-not-acknowledged
void Fec::recover(Receiver& here, const FourTuple& tuple) {
  AckTracker& acks = core_.path_->acks(PacketNumberSpace::kApplication);
  while (std::optional<FecRecovered> one = here.decoder.next_recovered()) {
    // It came by itself, too long ago to be kept.
    if (acks.is_duplicate(PacketNumber{one->number})) continue;
    const std::uint64_t number = one->number;
    if (here.recovered.contains(number)) continue;
    take(std::move(*one), tuple);
    if (!core_.is_open()) return;
    // Only now: before, its own datagrams would be taken for late ones.
    here.recovered.add(number, number + 1);
    if (here.recovered.size() > kMaxRecovered) here.recovered.drop_lowest();
    if (here.unsaid.size() < kMaxUnsaid) here.unsaid.push_back(number);
    acks.request_immediate_ack(core_.now_);
  }
}

void Fec::take(FecRecovered recovered, const FourTuple& tuple) {
  ++stats_.packets_recovered;
  stats_.bytes_recovered += recovered.payload.size();
  core_.emitter_.emit(FecPacketRecovered{
      .path_id = core_.logged_path(), .packet_number = recovered.number, .length = recovered.payload.size()});
  // Kept until the end of the batch: what the application reads lies in it.
  const Bytes kept = core_.tell_.provide_rare().recovered.emplace_back(std::move(recovered.payload));
  if (auto read = read_frames(kept, PacketNumber{recovered.number}, tuple); !read) core_.close_for(read.error());
}

namespace {

// What a repair symbol is for. The rest of a packet is sent again if it matters, or came too late to matter.
bool is_protected(std::uint64_t type) {
  return is_stream_frame(type) || (type | 1) == code_point(FrameType::kDatagramWithLength);
}

}  // namespace

// fec:4-protected
Parsed<void> Fec::read_frames(Bytes payload, PacketNumber number, const FourTuple& tuple) {
  ConnectionCore::ReceivedPacket packet{
      .level = EncryptionLevel::kOneRtt, .space = PacketNumberSpace::kApplication, .number = number, .tuple = &tuple};
  FrameReader in(payload);
  if (core_.ack_timestamps(packet.level)) in.expect_ack_timestamps();
  in.expect_path_code_points(core_.peer_.path_code_points);
  while (!in.empty() && core_.is_open()) {
    FrameReader ahead = in;
    HAWSER_TRY(const std::uint64_t type, ahead.next_type());
    HAWSER_TRY_VOID(check_frame(type, packet.level));
    if (is_protected(type)) {
      in = ahead;
      HAWSER_TRY_VOID((core_.*ConnectionCore::kFrameHandlers[frame_index(type)])(in, packet));
    } else {
      HAWSER_TRY_VOID(parse_any_frame(in));
    }
  }
  return {};
}

bool Fec::has_recovered(PacketNumber number) {
  const Lane* const here = find(core_.path_->id());
  return here != nullptr && here->receiver != nullptr && here->receiver->recovered.contains(number.value);
}

void Fec::write_recovered(PacketPayload& out) {
  Lane* const here = find(core_.path_->id());
  if (here == nullptr || here->receiver == nullptr || here->receiver->unsaid.empty()) return;
  std::vector<std::uint64_t>& unsaid = here->receiver->unsaid;
  std::ranges::sort(unsaid);
  std::size_t said = 0;
  while (said < unsaid.size()) {
    FecRecoveredFrame frame{.packets = {.first = unsaid[said]}};
    std::size_t end = said + 1;
    for (; end < unsaid.size() && frame.packets.can_take(unsaid[end]); ++end) frame.packets.take(unsaid[end]);
    if (out.room() < fec_recovered_size(frame)) break;
    write_fec_recovered(out, frame);
    said = end;
  }
  unsaid.erase(unsaid.begin(), unsaid.begin() + static_cast<std::ptrdiff_t>(said));
}

void Fec::rest() {
  for (Lane& lane : lanes_) {
    if (lane.sender != nullptr) lane.sender->encoder.rest();
    if (lane.receiver == nullptr) continue;
    const FecDecoderStats& stats = lane.receiver->decoder.stats();
    gone_.unused_repairs += stats.unused_repairs;
    gone_.given_up += stats.given_up + stats.inconsistent;
    lane.receiver->decoder = FecDecoder();
    lane.receiver->unsaid = std::vector<std::uint64_t>();
  }
}

FecStats Fec::stats() const {
  FecStats stats = stats_;
  stats.sends = may_send_;
  stats.receives = true;
  stats.repairs_unused = gone_.unused_repairs;
  stats.blocks_given_up = gone_.given_up;
  for (const Lane& lane : lanes_) {
    if (lane.sender != nullptr) stats.loss = std::max(stats.loss, lane.sender->redundancy.loss());
    if (lane.receiver == nullptr) continue;
    const FecDecoderStats& decoder = lane.receiver->decoder.stats();
    stats.repairs_unused += decoder.unused_repairs;
    stats.blocks_given_up += decoder.given_up + decoder.inconsistent;
  }
  return stats;
}

std::size_t Fec::memory() const {
  std::size_t octets = sizeof(Fec) + lanes_.capacity() * sizeof(Lane);
  for (const Lane& lane : lanes_) {
    if (lane.sender != nullptr) octets += sizeof(Sender) + lane.sender->encoder.memory();
    if (lane.receiver != nullptr)
      octets += sizeof(Receiver) + lane.receiver->decoder.memory() + lane.receiver->recovered.memory() +
                lane.receiver->unsaid.capacity() * sizeof(std::uint64_t);
  }
  return octets;
}

}  // namespace hawser::quic
