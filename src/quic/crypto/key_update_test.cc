// key_update_test.cc: goal: 1-RTT keys follow RFC 9001 section 6: updates by either side,
// late packets, peers that break the rules, and limits. Method: two OneRttKeys joined by
// hand-carried packets at hand-set times.
#include <gtest/gtest.h>

#include "base/random.h"
#include "quic/crypto/packet_protection.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;
constexpr Duration kPto = 100ms;
constexpr Timestamp kStart{1s};

struct Packet {
  PathId path;
  PacketNumber pn;
  bool key_phase;
  Octets header;
  Octets sealed;
};

struct Peers {
  explicit Peers(CipherSuite suite = CipherSuite::kAes128GcmSha256, const OneRttOptions& options = {})
      : a(options), b(options) {
    SeededRandom random(42);
    Octets one(hash_length(suite)), two(hash_length(suite));
    random.fill(one);
    random.fill(two);
    a.set_write_secret(suite, one);
    b.set_read_secret(suite, one);
    b.set_write_secret(suite, two);
    a.set_read_secret(suite, two);
    for (OneRttKeys* keys : {&a, &b}) {
      keys->on_handshake_confirmed();
      EXPECT_TRUE(keys->maintain(kStart, kPto).has_value());
    }
  }
  OneRttKeys a;
  OneRttKeys b;
};

Packet sealed_by(OneRttKeys& keys, std::uint64_t pn, std::uint64_t path = 0) {
  Packet p{PathId{path}, PacketNumber{pn}, keys.write_key_phase(), {0x40, static_cast<std::uint8_t>(pn)}, {}};
  const Octets text(20, 0x01);
  const Bytes pieces[] = {text};
  p.sealed.resize(text.size() + kAeadTagLength);
  keys.seal(p.path, p.pn, p.header, pieces, p.sealed.data());
  return p;
}

Parsed<bool> open_with(OneRttKeys& keys, Packet p, Timestamp now) {
  return keys.open(p.path, p.pn, p.key_phase, p.header, p.sealed, now);
}

void expect_opens(OneRttKeys& keys, const Packet& p, Timestamp now) {
  const auto opened = open_with(keys, p, now);
  ASSERT_TRUE(opened.has_value()) << opened.error().reason;
  EXPECT_TRUE(*opened) << "packet " << p.pn.value;
}

// `from` updates its keys with what it has sealed so far acknowledged.
void update(OneRttKeys& from, std::uint64_t acknowledged, Timestamp now) {
  from.on_acknowledged(PathId{0}, PacketNumber{acknowledged}, now);
  ASSERT_TRUE(from.maintain(now + 3 * kPto, kPto).has_value());
  ASSERT_TRUE(from.initiate_update(now + 3 * kPto));
}

// rfc9001:6.2-respond rfc9001:6.3-two-sets rfc9001:6.3-keep-next rfc9001:9.5-next-keys rfc9001:6.4-order
TEST(key_update, a_chain_of_updates_from_both_sides_keeps_packets_flowing) {
  for (const auto suite :
       {CipherSuite::kAes128GcmSha256, CipherSuite::kAes256GcmSha384, CipherSuite::kChaCha20Poly1305Sha256}) {
    Peers p(suite);
    Timestamp now = kStart;
    for (std::uint64_t round = 0; round < 12; ++round) {
      OneRttKeys& from = round % 2 == 0 ? p.a : p.b;
      OneRttKeys& to = round % 2 == 0 ? p.b : p.a;
      expect_opens(to, sealed_by(from, round * 10), now);
      expect_opens(from, sealed_by(to, round * 10), now);
      update(from, round * 10, now);
      now += 4 * kPto;
      EXPECT_EQ(from.write_generation(), round + 1);
      expect_opens(to, sealed_by(from, round * 10 + 1), now);
      EXPECT_EQ(to.read_generation(), round + 1);
      EXPECT_EQ(to.write_generation(), round + 1) << "receiving an update updates the send keys";
      expect_opens(from, sealed_by(to, round * 10 + 1), now);
      EXPECT_EQ(from.read_generation(), round + 1);
      // The other side confirms too, as real acknowledgements do.
      from.on_acknowledged(PathId{0}, PacketNumber{round * 10 + 1}, now);
      to.on_acknowledged(PathId{0}, PacketNumber{round * 10 + 1}, now);
    }
  }
}

// rfc9001:6.1-confirmed
TEST(key_update, waits_for_confirmation_of_the_handshake_though_a_packet_was_acknowledged) {
  OneRttKeys keys;
  const Octets secret(32, 1);
  keys.set_write_secret(CipherSuite::kAes128GcmSha256, secret);
  keys.set_read_secret(CipherSuite::kAes128GcmSha256, secret);
  (void)sealed_by(keys, 7);
  keys.on_acknowledged(PathId{0}, PacketNumber{7}, kStart);
  EXPECT_FALSE(keys.initiate_update(kStart));
  keys.on_handshake_confirmed();
  EXPECT_TRUE(keys.initiate_update(kStart));
}

// rfc9001:6.1-acknowledged
TEST(key_update, waits_for_confirmation_of_handshake_and_phase) {
  OneRttKeys keys;
  const Octets secret(32, 1);
  keys.set_write_secret(CipherSuite::kAes128GcmSha256, secret);
  keys.set_read_secret(CipherSuite::kAes128GcmSha256, secret);
  (void)sealed_by(keys, 7);
  EXPECT_FALSE(keys.initiate_update(kStart));
  keys.on_handshake_confirmed();
  EXPECT_FALSE(keys.initiate_update(kStart));
  keys.on_acknowledged(PathId{0}, PacketNumber{6}, kStart);
  EXPECT_FALSE(keys.initiate_update(kStart));
  keys.on_acknowledged(PathId{1}, PacketNumber{7}, kStart);
  EXPECT_FALSE(keys.initiate_update(kStart)) << "another path's number says nothing";
  keys.on_acknowledged(PathId{0}, PacketNumber{7}, kStart);
  EXPECT_TRUE(keys.initiate_update(kStart));
  EXPECT_TRUE(keys.write_key_phase());
  EXPECT_FALSE(keys.initiate_update(kStart + 3600s)) << "the peer has not answered yet";
}

// rfc9001:6.5-three-pto
TEST(key_update, next_update_waits_three_ptos_after_confirmation) {
  Peers p;
  expect_opens(p.b, sealed_by(p.a, 0), kStart);
  update(p.a, 0, kStart);
  expect_opens(p.b, sealed_by(p.a, 1), kStart);
  expect_opens(p.a, sealed_by(p.b, 0), kStart);
  p.a.on_acknowledged(PathId{0}, PacketNumber{1}, kStart);
  EXPECT_FALSE(p.a.initiate_update(kStart + 3 * kPto - 1ns));
  EXPECT_TRUE(p.a.initiate_update(kStart + 3 * kPto));
}

// rfc9001:6.1-retain rfc9001:6.1-retain-longer rfc9001:6.5-old-keys rfc9001:6.5-discard
TEST(key_update, late_packets_open_with_the_old_key_for_three_ptos) {
  Peers p;
  const Packet first = sealed_by(p.a, 0);
  const Packet late = sealed_by(p.a, 1);
  const Packet too_late = sealed_by(p.a, 2);
  expect_opens(p.b, first, kStart);
  update(p.a, 0, kStart);
  expect_opens(p.b, sealed_by(p.a, 3), kStart);
  expect_opens(p.b, late, kStart + 3 * kPto - 1ns);
  const auto opened = open_with(p.b, too_late, kStart + 3 * kPto);
  ASSERT_TRUE(opened.has_value());
  EXPECT_FALSE(*opened);
  EXPECT_EQ(p.b.packets_failed(), 1u);
}

TEST(key_update, each_path_has_its_own_place_of_change) {
  Peers p;
  expect_opens(p.b, sealed_by(p.a, 100, 0), kStart);
  expect_opens(p.b, sealed_by(p.a, 5, 1), kStart);
  const Packet late_on_1 = sealed_by(p.a, 6, 1);
  update(p.a, 100, kStart);
  expect_opens(p.b, sealed_by(p.a, 101, 0), kStart);
  expect_opens(p.b, late_on_1, kStart);
  expect_opens(p.b, sealed_by(p.a, 7, 1), kStart);
  expect_opens(p.b, sealed_by(p.a, 0, 2), kStart);
  EXPECT_EQ(p.b.read_generation(), 1u);
}

TEST(key_update, many_paths_make_room_for_each_other) {
  Peers p;
  for (std::uint64_t path = 0; path < 3 * OneRttKeys::kTrackedPaths; ++path) {
    expect_opens(p.b, sealed_by(p.a, 0, path), kStart);
    expect_opens(p.b, sealed_by(p.a, 1, path), kStart);
  }
}

// rfc9001:6.2-before-ack
TEST(key_update, two_updates_without_a_packet_of_ours_between_are_an_error) {
  // The sender is built from bare keys, so that it can break the rule.
  const Octets secret(32, 9);
  OneRttKeys receiver;
  receiver.set_read_secret(CipherSuite::kAes128GcmSha256, secret);
  receiver.set_write_secret(CipherSuite::kAes128GcmSha256, secret);
  Secret generation(secret);
  for (std::uint64_t n = 0; n < 3; ++n) {
    DirectionKeys keys(v1_key_table(), CipherSuite::kAes128GcmSha256, generation.view());
    Octets sealed(kAeadTagLength + 1);
    const Octets text{0x01};
    const Bytes pieces[] = {text};
    keys.packet.seal(PathId{0}, PacketNumber{n}, {}, pieces, sealed.data());
    const auto opened = receiver.open(PathId{0}, PacketNumber{n}, (n & 1) != 0, {}, sealed, kStart);
    if (n < 2) {
      ASSERT_TRUE(opened.has_value() && *opened);
    } else {
      ASSERT_FALSE(opened.has_value());
      EXPECT_EQ(opened.error().code, TransportErrorCode::kKeyUpdateError);
    }
    generation = next_generation_secret(v1_key_table(), CipherSuite::kAes128GcmSha256, generation.view());
  }
}

// rfc9001:6.4-old-keys
TEST(key_update, a_late_packet_of_old_keys_above_one_of_new_keys_is_an_error) {
  for (const bool above : {false, true}) {
    Peers p;
    expect_opens(p.b, sealed_by(p.a, 10), kStart);
    const Packet late = sealed_by(p.a, 15);
    update(p.a, 10, kStart);
    expect_opens(p.b, sealed_by(p.a, 20), kStart);
    expect_opens(p.b, late, kStart);
    const auto opened = open_with(p.b, sealed_by(p.a, above ? 14 : 16), kStart);  // new keys
    EXPECT_EQ(opened.has_value(), !above);
    if (above) EXPECT_EQ(opened.error().code, TransportErrorCode::kKeyUpdateError);
  }
}

// rfc9001:6.4-old-keys rfc9001:5.5-later-packets
TEST(key_update, old_keys_above_new_ones_are_an_error) {
  Peers p;
  const Packet first = sealed_by(p.a, 10);
  expect_opens(p.b, first, kStart);
  update(p.a, 10, kStart);
  const auto opened = open_with(p.b, sealed_by(p.a, 9), kStart);  // new keys, lower number
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, TransportErrorCode::kKeyUpdateError);
}

// rfc9001:5.5-update-unopened
TEST(key_update, forged_phase_bits_change_nothing) {
  Peers p;
  Packet packet = sealed_by(p.a, 0);
  packet.key_phase = true;
  const auto opened = open_with(p.b, packet, kStart);
  ASSERT_TRUE(opened.has_value());
  EXPECT_FALSE(*opened);
  EXPECT_EQ(p.b.read_generation(), 0u);
}

// rfc9001:6.6-count rfc9001:6.6-update rfc9001:5.3-update-before-limit
TEST(key_limits, keys_update_at_half_of_the_confidentiality_limit) {
  Peers p(CipherSuite::kAes128GcmSha256, {.confidentiality_limit = 100});
  for (std::uint64_t n = 0; n < 50; ++n) {
    ASSERT_TRUE(p.a.maintain(kStart, kPto).has_value());
    EXPECT_EQ(p.a.write_generation(), 0u);
    (void)sealed_by(p.a, n);
  }
  p.a.on_acknowledged(PathId{0}, PacketNumber{0}, kStart);
  ASSERT_TRUE(p.a.maintain(kStart, kPto).has_value());
  EXPECT_EQ(p.a.write_generation(), 1u);
  EXPECT_EQ(p.a.packets_sealed_with_key(), 0u);
}

// rfc9001:6.6-confidentiality
TEST(key_limits, no_packet_is_sealed_past_the_limit) {
  Peers p(CipherSuite::kAes128GcmSha256, {.confidentiality_limit = 100});
  for (std::uint64_t n = 0; n < 100; ++n) (void)sealed_by(p.a, n);
  EXPECT_DEATH((void)sealed_by(p.a, 100), "");
}

// rfc9001:6.6-confidentiality rfc9001:6.6-stop rfc9001:6.6-close
TEST(key_limits, sealing_ends_when_no_update_is_possible) {
  Peers p(CipherSuite::kAes128GcmSha256, {.confidentiality_limit = 100});
  std::uint64_t sealed = 0;
  Parsed<void> verdict = p.a.maintain(kStart, kPto);
  for (; verdict.has_value() && sealed < 1000; verdict = p.a.maintain(kStart, kPto)) (void)sealed_by(p.a, sealed++);
  ASSERT_FALSE(verdict.has_value());
  EXPECT_EQ(verdict.error().code, TransportErrorCode::kAeadLimitReached);
  EXPECT_EQ(sealed, 76u) << "a quarter of the limit is kept for what is sealed between two rounds";
}

// rfc9001:6.6-integrity rfc9001:6.6-count-failed
TEST(key_limits, failures_beyond_the_integrity_limit_are_an_error) {
  Peers p(CipherSuite::kAes128GcmSha256, {.integrity_limit = 5});
  for (std::uint64_t n = 0; n < 6; ++n) {
    Packet packet = sealed_by(p.a, n);
    packet.sealed[0] ^= 1;
    const auto opened = open_with(p.b, packet, kStart);
    ASSERT_EQ(opened.has_value(), n < 5);
    if (n == 5) EXPECT_EQ(opened.error().code, TransportErrorCode::kAeadLimitReached);
  }
}

TEST(key_rest, folded_keys_seal_and_open_as_before_with_every_suite_and_backend) {
  for (const CipherSuite suite :
       {CipherSuite::kAes128GcmSha256, CipherSuite::kAes256GcmSha384, CipherSuite::kChaCha20Poly1305Sha256}) {
    for (const CryptoBackend backend :
         {CryptoBackend::kVaes512, CryptoBackend::kVaes, CryptoBackend::kIpsecMb, CryptoBackend::kOpenSsl}) {
      Peers peers(suite, {.backend = backend});
      const Octets sample(16, 0x5c);
      const HeaderMask mask = peers.a.write_header().mask(sample.data());
      (void)sealed_by(peers.a, 0);
      const std::size_t expanded = peers.a.memory();
      peers.a.fold();
      EXPECT_TRUE(peers.a.folded() && peers.a.can_seal() && peers.a.can_open());
      EXPECT_LT(peers.a.memory(), 300u);
      const Packet packet = sealed_by(peers.a, 1);
      EXPECT_FALSE(peers.a.folded());
      EXPECT_EQ(peers.a.memory(), expanded);
      EXPECT_EQ(peers.a.write_header().mask(sample.data()), mask);
      peers.b.fold();
      EXPECT_EQ(peers.b.read_header().mask(sample.data()), mask);
      EXPECT_FALSE(peers.b.folded());
      peers.b.fold();
      expect_opens(peers.b, packet, kStart);
    }
  }
}

TEST(key_rest, a_key_update_finds_its_way_through_the_rest_of_either_side) {
  Peers peers;
  expect_opens(peers.b, sealed_by(peers.a, 1), kStart);
  peers.a.on_acknowledged(PathId{0}, PacketNumber{1}, kStart);
  peers.a.fold();
  peers.b.fold();
  ASSERT_TRUE(peers.a.initiate_update(kStart));
  peers.a.fold();
  expect_opens(peers.b, sealed_by(peers.a, 2), kStart);
  EXPECT_EQ(peers.b.read_generation(), 1u);
  // Old read keys do not fold: they serve late packets until they expire.
  peers.b.fold();
  EXPECT_TRUE(peers.b.folded());
  expect_opens(peers.a, sealed_by(peers.b, 1), kStart);
  EXPECT_EQ(peers.a.read_generation(), 1u);
}

}  // namespace
}  // namespace hawser::quic
