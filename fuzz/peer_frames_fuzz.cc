// peer_frames_fuzz.cc: the input owns the peer's frames: whatever it says, the honest end stays in bounds.
// room: endpoint
// with: tests/conformance/lying_peer.cc
// with: fuzz/null_tls.cc
//
// Unlike wire_frames, which attacks the parser, this one stands behind the keys: each record of the input becomes the
// plaintext of one packet in the Initial, Handshake or Application space, or on a second path, sealed as the peer
// would. The first octet chooses whom it plays, how far the handshake went, which extensions are agreed on and what the
// honest application does; a record is a control octet, a length and that many octets of frames.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "../tests/conformance/lying_peer.h"
#include "base/check.h"
#include "quic/connection/core.h"
#include "quic/connection/multipath.h"
#include "quic/fec/fec_decoder.h"
#include "quic/streams/recv_buffer.h"
#include "quic/tls/deterministic_random.h"

namespace {

using namespace hawser;
using namespace hawser::quic;

constexpr std::size_t kInputMax = 4'096;
constexpr std::uint64_t kWindow = 128 * 1'024;
constexpr std::uint64_t kStreams = 8;  // of each kind
constexpr std::size_t kSendBuffer = 16 * 1'024;
constexpr std::uint64_t kPaths = 2;
constexpr PathId kSecondPath{1};
const SocketAddress kSecondAddress = ipv4_address({10, 9, 0, 1}, 5'555);
// The first octet of an input.
constexpr std::uint8_t kServerLies = 1;
constexpr std::uint8_t kHandshakeIsOpen = 2;
constexpr std::uint8_t kReadsNothing = 4;
constexpr std::uint8_t kWrites = 8;
constexpr std::uint8_t kOneDatagramArrives = 16;  // of an open handshake
constexpr std::uint8_t kMultipath = 32;
constexpr std::uint8_t kReports = 64;  // receive timestamps and observed addresses
constexpr std::uint8_t kFec = 128;
// What is received (an eighth more for the bits that mark it, two begun blocks for each stream of the peer), what two
// streams of ours and the answers on the peer's have to send, CRYPTO data out of order of three spaces, and 128 KiB
// for the connection itself and its TLS session and as much for the records of packets of each path.
constexpr std::size_t kMemoryMax = kWindow * 9 / 8 + 4 * kStreams * sizeof(ReceiveBlock) + 3 * kSendBuffer +
                                   3 * 64 * 1'024 + kPaths * 128 * 1'024 + 128 * 1'024;
// Forward error correction adds, for each path, what a decoder keeps, in vectors that have grown by half, and our own
// symbols.
constexpr std::size_t kFecMemoryMax =
    kPaths * (2 * (kFecWindow + kMaxFecBlocks * kMaxFecRepairs) + kMaxFecRepairs) * kMaxFecSymbol;

// How the honest end may end because of what its peer said.
void check_verdict(const CloseReason& reason) {
  if (reason.kind != CloseReason::Kind::kLocalTransport) return;
  const auto code = static_cast<TransportErrorCode>(reason.error_code);
  const bool is_tls = reason.error_code >= 0x100 && reason.error_code <= 0x1ff;
  // The peer's fault has a name of its own: neither no error, nor ours, nor that of an application.
  const bool is_named = code >= TransportErrorCode::kFlowControlError &&
                        code <= TransportErrorCode::kVersionNegotiationError &&
                        code != TransportErrorCode::kApplicationError && code != TransportErrorCode::kInvalidToken;
  if (!is_tls && !is_named) std::fprintf(stderr, "closed with %s\n", describe(reason).c_str());
  HAWSER_CHECK(is_tls || is_named);
}

class Play {
 public:
  Play(Theatre& theatre, Role liar) : theatre_(theatre), liar_(liar), version_(theatre.client->version()) {}

  [[nodiscard]] Connection* victim() const { return liar_ == Role::kClient ? theatre_.server : theatre_.client; }
  [[nodiscard]] bool is_over() const { return theatre_.verdict(liar_).has_value() || victim() == nullptr; }

  // Data of ours for the peer to acknowledge, limit, stop or ask for.
  void write() {
    for (const bool bidirectional : {true, false}) {
      const auto id = victim()->open_stream(bidirectional);
      const std::array<std::uint8_t, 4'000> data{};
      if (id) (void)victim()->write(*id, data, !bidirectional);
    }
    theatre_.settle();
  }

  // A client that opens the second path for the liar to speak on; a server waits for its client.
  void open_second_path() {
    if (liar_ == Role::kServer)
      (void)victim()->open_path({.local = kSecondAddress, .remote = victim()->tuple().remote});
    theatre_.settle();
  }

  // Reads one record off the input.
  void say(Bytes& input) {
    const std::uint8_t control = input[0];
    const std::size_t size = std::min<std::size_t>(input[1], input.size() - 2);
    const Bytes frames = input.subspan(2, size);
    input = input.subspan(2 + size);
    constexpr EncryptionLevel kLevels[] = {EncryptionLevel::kOneRtt, EncryptionLevel::kInitial,
                                           EncryptionLevel::kHandshake, EncryptionLevel::kOneRtt};
    const EncryptionLevel level = kLevels[control & 3];
    if (!has_keys(level)) return;
    const bool on_second_path = (control & 3) == 3 && victim()->core().multipath() != nullptr;
    // A packet without frames cannot be sampled for header protection; PADDING makes up for it.
    std::string hex = to_hex(frames);
    while (hex.size() < 8) hex += "00";
    // The same number again, a gap, or the next one.
    std::uint64_t& number = numbers_[on_second_path ? 1 : 0];
    if ((control & 0x0c) == 0x04) number += 1 + (control >> 5);
    if ((control & 0x0c) != 0x08) ++number;
    Theatre::Forgery forgery{.level = level,
                             .frames_hex = hex,
                             .number = number,
                             .version = version_,
                             .set_bits = key_phase(control, level)};
    if (!on_second_path) {
      theatre_.lie(liar_, forgery);
    } else if (const auto cid = second_path_cid()) {
      forgery.dcid = *cid;
      forgery.path = kSecondPath;
      theatre_.inject_on(liar_, theatre_.forge(liar_, forgery), second_tuple());
    }
    check();
    // From a millisecond to some seconds: delayed acknowledgements, probes, validations.
    if ((control & 0x10) != 0 && !is_over()) theatre_.pass((1 << (control >> 5) * 2) * 1ms);
    check();
  }

  void check() {
    if (theatre_.verdict(liar_)) return check_verdict(*theatre_.verdict(liar_));
    if (victim() == nullptr) return;
    const std::size_t memory = victim()->stats().memory_bytes;
    const std::size_t most = kMemoryMax + (victim()->fec_stats().receives ? kFecMemoryMax : 0);
    if (memory > most) std::fprintf(stderr, "%zu octets of memory\n", memory);
    HAWSER_CHECK(memory <= most);
  }

 private:
  // A flipped key phase bit over old keys is a packet that does not open.
  static std::uint8_t key_phase(std::uint8_t control, EncryptionLevel level) {
    return level == EncryptionLevel::kOneRtt && (control & 0x0c) == 0x0c && (control & 0xe0) == 0xe0 ? 0x18 : 0;
  }
  [[nodiscard]] bool has_keys(EncryptionLevel level) const {
    const std::string side = liar_ == Role::kClient ? "CLIENT" : "SERVER";
    if (level == EncryptionLevel::kHandshake) return theatre_.secrets.contains(side + "_HANDSHAKE_TRAFFIC_SECRET");
    return level == EncryptionLevel::kInitial || theatre_.secrets.contains(side + "_TRAFFIC_SECRET_0");
  }

  // One that the victim has given out for packets on the second path.
  [[nodiscard]] std::optional<ConnectionId> second_path_cid() const {
    PathSlot* const slot = victim()->core().multipath()->find(kSecondPath);
    if (slot == nullptr || slot->local_cids().entries().empty()) return std::nullopt;
    return slot->local_cids().entries().front().cid;
  }
  [[nodiscard]] FourTuple second_tuple() const {
    const FourTuple first = victim()->tuple();
    if (liar_ == Role::kServer) return {.local = kSecondAddress, .remote = first.remote};
    return {.local = first.local, .remote = kSecondAddress};
  }

  Theatre& theatre_;
  Role liar_;
  Version version_;                               // the silenced end may be gone before its peer is
  std::uint64_t numbers_[kPaths] = {10'000, 10};  // of each path, past what the silenced end has sent
};

Theatre::Options options(std::uint8_t shape) {
  ConnectionConfig config;
  config.stream_receive_window = config.stream_receive_window_max = ByteCount{kWindow / 2};
  config.connection_receive_window = config.connection_receive_window_max = ByteCount{kWindow};
  config.stream_send_buffer = ByteCount{kSendBuffer};
  config.max_streams_bidi = config.max_streams_uni = kStreams;
  config.max_datagram_frame_size = 1'200;
  if ((shape & kMultipath) != 0) config.max_paths = kPaths;
  if ((shape & kReports) != 0) {
    config.receive_timestamps = 8;
    config.address_discovery = AddressDiscovery::kBoth;
  }
  if ((shape & kFec) != 0) config.fec = {.enabled = true, .scheme = FecScheme::kXor, .sources = 4, .repairs = 1};
  return {.client = config, .server = config};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > kInputMax) return 0;
  // The certificate is minted before the randomness is a seed's, and stays the same.
  static const bool kMinted = [] {
    const Theatre first;
    return first.client != nullptr;
  }();
  HAWSER_CHECK(kMinted);
  const DeterministicTlsRandom seeded(7);
  const std::uint8_t shape = data[0];
  const Role liar = (shape & kServerLies) == 0 ? Role::kClient : Role::kServer;
  Theatre theatre(options(shape));
  theatre.client_witness.reads = theatre.server_witness.reads = (shape & kReadsNothing) == 0;
  if ((shape & kHandshakeIsOpen) == 0) {
    theatre.open();
  } else if (liar == Role::kClient) {
    theatre.silence(Role::kServer);  // the client hears nothing: the server waits for its Finished
    theatre.settle();
  } else {
    // Nothing, or as far as the keys of the Handshake space.
    theatre.deliver_only(Role::kServer, (shape & kOneDatagramArrives) != 0 ? 1 : 0);
    theatre.settle();
  }
  theatre.silence(liar);
  Play play(theatre, liar);
  if (play.is_over()) return 0;
  if ((shape & (kHandshakeIsOpen | kWrites)) == kWrites) play.write();
  if ((shape & (kHandshakeIsOpen | kMultipath)) == kMultipath && !play.is_over()) play.open_second_path();
  Bytes input{data + 1, size - 1};
  while (input.size() >= 2 && !play.is_over()) play.say(input);
  // Whatever is left runs its course: probes, the closing period, the idle timeout.
  theatre.pass(100s);
  play.check();
  return 0;
}
