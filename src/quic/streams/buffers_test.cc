// Goal: the two buffers and the crypto streams agree with a plain array, and a peer that
// sends the worst pattern costs no more memory than its window. Method: random ranges under
// seeds against a model, and the limits one octet at a time.
#include <gtest/gtest.h>

#include "base/random.h"
#include "quic/streams/crypto_stream.h"
#include "quic/streams/flow_control.h"
#include "quic/streams/recv_buffer.h"
#include "quic/streams/send_buffer.h"

namespace hawser::quic {
namespace {

std::vector<std::uint8_t> pattern(std::size_t size) {
  std::vector<std::uint8_t> octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i * 31 + i / 255);
  return octets;
}

// rfc9000:2.2-in-order
TEST(recv_buffer, returns_random_pieces_as_the_whole) {
  const auto whole = pattern(100'000);
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRandom random(seed);
    BlockPool pool(sizeof(ReceiveBlock), 4);
    BlockAccount blocks(pool);
    RecvBuffer buffer(blocks);
    std::vector<bool> given(whole.size());
    std::uint64_t read = 0;
    while (read < whole.size()) {
      const std::uint64_t from = random.below(3) == 0
                                     ? buffer.contiguous_to()
                                     : std::min<std::uint64_t>(read + random.below(30'000), whole.size() - 1);
      const std::uint64_t count =
          std::min<std::uint64_t>(1 + random.below(3'000), whole.size() - std::min<std::uint64_t>(from, whole.size()));
      if (count > 0) buffer.add(from, Bytes{whole}.subspan(from, count));
      for (std::uint64_t i = from; i < from + count; ++i) given[i] = true;
      std::uint64_t contiguous = read;
      while (contiguous < whole.size() && given[contiguous]) ++contiguous;
      ASSERT_EQ(contiguous, buffer.contiguous_to());
      if (random.below(3) == 0) buffer.retain();
      std::array<Bytes, 3> scratch;
      std::uint64_t seen = 0;
      for (const Bytes piece : buffer.readable(scratch)) {
        ASSERT_TRUE(equal(piece, Bytes{whole}.subspan(read + seen, piece.size())));
        seen += piece.size();
      }
      const std::uint64_t taken = random.below(seen + 1);
      buffer.consume(taken);
      read += taken;
    }
    EXPECT_EQ(0u, pool.in_use());
  }
}

// rfc9000:21.7-fragmentation
TEST(recv_buffer, every_second_octet_costs_no_more_than_the_window_and_its_bits) {
  constexpr std::uint64_t kWindow = 1 << 20;
  const auto whole = pattern(kWindow);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  for (std::uint64_t at = 1; at < kWindow; at += 2) buffer.add(at, Bytes{whole}.subspan(at, 1));
  EXPECT_EQ(kWindow / kReceiveBlockOctets, pool.in_use());
  EXPECT_EQ(0u, buffer.readable_octets());
  for (std::uint64_t at = 0; at < kWindow; at += 2) buffer.add(at, Bytes{whole}.subspan(at, 1));
  ASSERT_EQ(kWindow, buffer.readable_octets());
  std::array<Bytes, 16> scratch;
  std::uint64_t read = 0;
  while (buffer.readable_octets() > 0) {
    std::uint64_t seen = 0;
    for (const Bytes piece : buffer.readable(scratch)) {
      ASSERT_TRUE(equal(piece, Bytes{whole}.subspan(read + seen, piece.size())));
      seen += piece.size();
    }
    buffer.consume(seen);
    read += seen;
  }
  EXPECT_EQ(0u, pool.in_use());
}

TEST(recv_buffer, data_in_order_is_lent_not_copied) {
  const auto whole = pattern(3000);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  buffer.add(0, Bytes{whole}.first(2000));
  std::array<Bytes, 4> scratch;
  EXPECT_EQ(whole.data(), buffer.readable(scratch)[0].data());
  EXPECT_EQ(0u, pool.in_use());
  buffer.consume(1500);
  buffer.retain();
  EXPECT_EQ(1u, pool.in_use());
  EXPECT_NE(whole.data() + 1500, buffer.readable(scratch)[0].data());
  EXPECT_TRUE(equal(Bytes{whole}.subspan(1500, 500), buffer.readable(scratch)[0]));
}

// What comes over two paths in turns closes its gaps within a batch.
TEST(recv_buffer, data_behind_a_gap_that_closes_in_time_is_lent_not_copied) {
  const auto whole = pattern(8'000);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  for (const std::size_t at : {2'000u, 3'000u, 6'000u, 7'000u}) buffer.add(at, Bytes{whole}.subspan(at, 1'000));
  EXPECT_TRUE(buffer.has_borrowed());
  EXPECT_EQ(0u, buffer.readable_octets());
  for (const std::size_t at : {0u, 1'000u, 4'000u, 5'000u}) buffer.add(at, Bytes{whole}.subspan(at, 1'000));
  EXPECT_EQ(8'000u, buffer.readable_octets());
  EXPECT_EQ(0u, pool.in_use());
  std::array<Bytes, 8> scratch;
  std::size_t at = 0;
  for (const Bytes piece : buffer.readable(scratch)) {
    EXPECT_EQ(whole.data() + at, piece.data());
    at += piece.size();
  }
  EXPECT_EQ(8'000u, at);
  buffer.consume(8'000);
  EXPECT_FALSE(buffer.has_borrowed());
}

TEST(recv_buffer, data_behind_a_gap_is_kept_when_the_loan_ends_and_lent_from_there) {
  auto lent = pattern(9'000);
  const auto whole = lent;
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  buffer.add(3'000, Bytes{lent}.subspan(3'000, 3'000));
  buffer.retain();
  EXPECT_EQ(2u, pool.in_use());
  std::fill(lent.begin() + 3'000, lent.begin() + 6'000, 0);
  buffer.add(6'000, Bytes{lent}.subspan(6'000, 3'000));
  buffer.add(0, Bytes{lent}.first(3'000));
  std::array<Bytes, 8> scratch;
  const auto pieces = buffer.readable(scratch);
  ASSERT_EQ(4u, pieces.size());
  EXPECT_EQ(lent.data(), pieces[0].data());
  EXPECT_EQ(lent.data() + 6'000, pieces[3].data());
  std::vector<std::uint8_t> seen;
  for (const Bytes piece : pieces) seen.insert(seen.end(), piece.begin(), piece.end());
  EXPECT_EQ(whole, seen);
  buffer.retain();
  EXPECT_TRUE(equal(Bytes{whole}.first(4'096), buffer.readable(scratch)[0]));
  buffer.consume(9'000);
  EXPECT_EQ(0u, pool.in_use());
}

// What came before, as a loan or in a block, may come again in pieces of any size, and after it was read.
TEST(recv_buffer, what_comes_again_behind_a_gap_is_not_kept_twice) {
  const auto whole = pattern(9'000);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  buffer.add(1'000, Bytes{whole}.subspan(1'000, 500));
  buffer.retain();
  buffer.add(1'200, Bytes{whole}.subspan(1'200, 200));  // lent, though it is in a block
  buffer.add(1'300, Bytes{whole}.subspan(1'300, 900));  // overlaps the loan
  buffer.add(0, Bytes{whole}.first(1'000));
  ASSERT_EQ(2'200u, buffer.readable_octets());
  buffer.consume(2'200);
  EXPECT_FALSE(buffer.has_borrowed());
  buffer.retain();
  EXPECT_EQ(0u, pool.in_use());
  buffer.add(3'000, Bytes{whole}.subspan(3'000, 400));
  buffer.add(2'200, Bytes{whole}.subspan(2'200, 6'000));  // all of it at once
  buffer.consume(6'000);
  buffer.retain();
  EXPECT_EQ(0u, pool.in_use());
  EXPECT_EQ(8'200u, buffer.contiguous_to());
}

// rfc9000:21.7-fragmentation
TEST(recv_buffer, a_batch_of_tiny_frames_leaves_no_memory_behind) {
  const auto whole = pattern(3'000'000);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  for (std::uint64_t at = 0; at < 200'000; ++at) buffer.add(at, Bytes{whole}.subspan(at, 1));
  EXPECT_GT(buffer.memory(), 1'000'000u) << "or there is nothing to give back";
  buffer.consume(200'000);
  buffer.retain();
  EXPECT_LE(buffer.memory(), 65'536u);
  for (std::uint64_t at = 200'200; at + 128 < whole.size(); at += 128) buffer.add(at, Bytes{whole}.subspan(at, 128));
  EXPECT_GT(buffer.memory(), 300'000u);
  buffer.retain();
  EXPECT_LE(buffer.memory(), 65'536u + whole.size() / kReceiveBlockOctets * 2 * sizeof(void*));
}

// What is borrowed reaches farther than the blocks, and an old block is in the place of the one that would follow.
TEST(recv_buffer, no_old_block_follows_data_that_reaches_beyond_all_blocks) {
  const auto whole = pattern(60'000);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  const auto add = [&](std::uint64_t from, std::size_t size) { buffer.add(from, Bytes{whole}.subspan(from, size)); };
  add(5'000, 100);     // in block 1 of 8
  add(40'000, 1'000);  // a loan
  add(0, 5'000);
  add(5'100, 32'668);  // to 904 octets within block 9, whose place is that of block 1
  EXPECT_EQ(37'768u, buffer.contiguous_to());
  add(37'768, 2'232);
  EXPECT_EQ(41'000u, buffer.contiguous_to());
  std::array<Bytes, 32> views;
  std::vector<std::uint8_t> read;
  for (const Bytes view : buffer.readable(views)) read.insert(read.end(), view.begin(), view.end());
  ASSERT_EQ(41'000u, read.size());
  EXPECT_TRUE(std::equal(read.begin(), read.end(), whole.begin()));
}

// rfc9000:21.7-fragmentation
TEST(recv_buffer, loans_behind_gaps_are_few_and_never_small) {
  constexpr std::uint64_t kWindow = 4 << 20;
  const auto whole = pattern(kWindow);
  BlockPool pool(sizeof(ReceiveBlock), 0);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  for (std::uint64_t at = 1; at + 300 < kWindow; at += 400) buffer.add(at, Bytes{whole}.subspan(at, 300));
  for (std::uint64_t at = 302; at + 90 < kWindow; at += 400) buffer.add(at, Bytes{whole}.subspan(at, 90));
  EXPECT_LE(buffer.memory(), kWindow / kReceiveBlockOctets * 2 * sizeof(void*) + 16'384);
  EXPECT_LE(pool.in_use(), kWindow / kReceiveBlockOctets);
}

// rfc9000:2.2-same-data rfc9000:13.3-not-acknowledged-twice
TEST(send_buffer, sends_again_exactly_what_is_lost_and_unacknowledged) {
  const auto whole = pattern(120'000);
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SeededRandom random(seed);
    BlockPool pool(kSendBlockSize, 8);
    BlockAccount blocks(pool);
    SendBuffer buffer(blocks);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> in_flight;
    std::vector<bool> acked(whole.size());
    std::uint64_t rounds = 0;
    while (buffer.acked_to() < whole.size()) {
      ASSERT_LT(++rounds, 200'000u);
      const std::uint64_t more = std::min<std::uint64_t>(random.below(5'000), whole.size() - buffer.end());
      if (more > 0 && random.below(2) == 0)
        buffer.append(SharedBytes::copy(Bytes{whole}.subspan(buffer.end(), more)));
      else if (more > 0)
        buffer.append_copy(Bytes{whole}.subspan(buffer.end(), more));
      const std::uint64_t from = buffer.has_lost() ? buffer.lowest_lost().begin : buffer.next();
      const std::uint64_t available = buffer.has_lost() ? buffer.lowest_lost().size() : buffer.end() - from;
      const Bytes piece = buffer.view(from, std::min<std::uint64_t>(available, 1 + random.below(1500)));
      ASSERT_EQ(available == 0, piece.empty());
      ASSERT_TRUE(equal(piece, Bytes{whole}.subspan(from, piece.size())));
      for (std::size_t i = 0; i < piece.size(); ++i) ASSERT_FALSE(acked[from + i]);
      buffer.on_sent(from, piece.size());
      if (!piece.empty()) in_flight.push_back({from, piece.size()});
      if (in_flight.empty() || random.below(3) == 0) continue;
      const std::size_t pick = random.below(in_flight.size());
      const auto [offset, size] = in_flight[pick];
      in_flight.erase(in_flight.begin() + pick);
      if (random.below(3) == 0) {
        buffer.on_lost(offset, size);
      } else {
        buffer.on_acked(offset, size);
        for (std::uint64_t i = offset; i < offset + size; ++i) acked[i] = true;
      }
    }
    EXPECT_EQ(0u, pool.in_use());
    EXPECT_FALSE(buffer.has_lost());
  }
}

// Packets go twice, at times: of each octet that was sent one is under way, or it waits to be sent again, or it has
// arrived; and nothing waits of which one is under way.
// rfc9000:2.2-same-data
TEST(send_buffer, sends_again_only_what_no_copy_carries) {
  struct Packet {
    std::uint64_t begin;
    std::uint64_t end;
    bool copy;
  };
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SeededRandom random(seed);
    const auto whole = pattern(1'000 + random.below(2'000));
    BlockPool pool(kSendBlockSize, 8);
    BlockAccount blocks(pool);
    SendBuffer buffer(blocks);
    buffer.append_copy(whole);
    std::vector<Packet> in_flight;
    std::uint64_t spared = 0;
    while (buffer.acked_to() < whole.size()) {
      const std::uint64_t from = buffer.has_lost() ? buffer.lowest_lost().begin : buffer.next();
      const std::uint64_t available = buffer.has_lost() ? buffer.lowest_lost().size() : buffer.end() - from;
      const std::uint64_t size = std::min<std::uint64_t>(available, 1 + random.below(150));
      ASSERT_TRUE(size != 0 || !in_flight.empty()) << "nothing will ever be sent again";
      if (size != 0) {
        buffer.on_sent(from, size);
        in_flight.push_back({from, from + size, false});
        const Range piece = buffer.unacknowledged(from, from + size);
        if (random.below(2) == 0) {
          buffer.on_copied(piece.begin, piece.size());
          in_flight.push_back({piece.begin, piece.end, true});
        }
      }
      if (random.below(2) == 0) continue;
      const std::size_t pick = random.below(in_flight.size());
      const Packet packet = in_flight[pick];
      in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(pick));
      const std::uint64_t waited = buffer.lost_octets();
      if (random.below(2) == 0) {
        buffer.on_acked(packet.begin, packet.end - packet.begin);
      } else if (packet.copy) {
        buffer.on_copy_lost(packet.begin, packet.end - packet.begin);
      } else {
        buffer.on_lost(packet.begin, packet.end - packet.begin);
        spared += buffer.lost_octets() == waited;
      }
      for (const Packet& other : in_flight)
        for (std::uint64_t at = other.begin; other.copy && at < other.end; ++at)
          ASSERT_FALSE(buffer.has_lost() && buffer.lowest_lost().begin == at)
              << "of octet " << at << " a copy is under way";
    }
    EXPECT_GT(spared, 0u);
    EXPECT_EQ(0u, pool.in_use());
  }
}

// A connection that is quiet for a second gives back what it can, while copies are under way on silent paths.
TEST(send_buffer, that_rests_remembers_what_waits_for_its_copy) {
  BlockPool pool(kSendBlockSize, 8);
  BlockAccount blocks(pool);
  SendBuffer buffer(blocks);
  buffer.append_copy(pattern(1'000));
  buffer.on_sent(0, 1'000);
  buffer.on_copied(0, 1'000);
  buffer.on_lost(0, 1'000);
  EXPECT_FALSE(buffer.has_lost());
  buffer.rest();
  buffer.on_copy_lost(0, 600);
  ASSERT_TRUE(buffer.has_lost());
  EXPECT_EQ(buffer.lost_octets(), 600u);
  buffer.on_acked(0, 1'000);
  const std::size_t held = buffer.memory();
  buffer.rest();
  EXPECT_LT(buffer.memory(), held);
}

TEST(send_buffer, shared_memory_is_referred_to_and_let_go_when_acknowledged) {
  struct Owner final : ByteOwner {
    explicit Owner(bool& freed) : freed_(freed) {}
    ~Owner() override { freed_ = true; }
    bool& freed_;
  };
  bool freed = false;
  const auto whole = pattern(4000);
  BlockPool pool(kSendBlockSize, 0);
  BlockAccount blocks(pool);
  SendBuffer buffer(blocks);
  buffer.append(SharedBytes(whole, new Owner(freed)));
  EXPECT_EQ(whole.data() + 10, buffer.view(10, 20).data());
  buffer.on_sent(0, 4000);
  buffer.on_acked(0, 3999);
  EXPECT_FALSE(freed);
  buffer.on_acked(3999, 1);
  EXPECT_TRUE(freed);
}

// rfc9000:7.5-crypto-buffer
TEST(crypto_streams, limit_is_64_kib_ahead_of_the_reader) {
  BufferPools pools;
  CryptoStreams crypto(pools);
  const auto whole = pattern(kCryptoBufferMax + 1);
  const EncryptionLevel level = EncryptionLevel::kHandshake;
  const auto beyond = crypto.on_crypto(level, kCryptoBufferMax, Bytes{whole}.first(1));
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(TransportErrorCode::kCryptoBufferExceeded, beyond.error().code);
  ASSERT_TRUE(crypto.on_crypto(level, 1, Bytes{whole}.subspan(1, kCryptoBufferMax - 1)).has_value());
  std::array<Bytes, 16> views;
  EXPECT_TRUE(crypto.readable(level, views).empty());
  ASSERT_TRUE(crypto.on_crypto(level, 0, Bytes{whole}.first(1)).has_value());
  std::uint64_t read = 0;
  while (!crypto.readable(level, views).empty()) {
    const Bytes piece = crypto.readable(level, views)[0];
    ASSERT_TRUE(equal(piece, Bytes{whole}.subspan(read, piece.size())));
    read += piece.size();
    crypto.consume(level, piece.size());
  }
  EXPECT_EQ(kCryptoBufferMax, read);
  EXPECT_TRUE(crypto.on_crypto(level, kCryptoBufferMax, Bytes{whole}.first(1)).has_value());
  EXPECT_TRUE(crypto.readable(EncryptionLevel::kInitial, views).empty());
}

// rfc9001:4.9-same-level
// rfc9001:4-same-keys
TEST(crypto_streams, lost_frames_are_written_again_until_acknowledged) {
  BufferPools pools;
  CryptoStreams crypto(pools);
  const auto whole = pattern(3000);
  const EncryptionLevel level = EncryptionLevel::kInitial;
  crypto.write(level, whole);
  std::vector<std::uint8_t> area(1200);
  std::vector<SentFrame> sent;
  while (crypto.wants_to_send(level)) {
    PacketPayload payload(area);
    (void)crypto.write_crypto(payload, level);
    ASSERT_EQ(1u, payload.frames().size());
    EXPECT_EQ(0x06, area[0]);
    sent.push_back(payload.frames()[0]);
  }
  ASSERT_EQ(3u, sent.size());
  crypto.on_frame_acked(sent[0]);
  crypto.on_frame_acked(sent[2]);
  crypto.on_frame_lost(sent[1]);
  PacketPayload again(area);
  EXPECT_EQ(WriteResult::kDone, crypto.write_crypto(again, level));
  ASSERT_EQ(1u, again.frames().size());
  EXPECT_EQ(sent[1].offset, again.frames()[0].offset);
  EXPECT_EQ(sent[1].length, again.frames()[0].length);
  EXPECT_FALSE(crypto.all_acked(level));
  crypto.resend_all(level);
  EXPECT_TRUE(crypto.wants_to_send(level));
  crypto.on_frame_acked(sent[1]);
  EXPECT_FALSE(crypto.wants_to_send(level));
  EXPECT_TRUE(crypto.all_acked(level));
}

TEST(crypto_streams, closed_takes_what_it_had_and_refuses_what_is_new) {
  BufferPools pools;
  CryptoStreams crypto(pools);
  const auto whole = pattern(200);
  const EncryptionLevel level = EncryptionLevel::kOneRtt;
  ASSERT_TRUE(crypto.on_crypto(level, 0, Bytes{whole}.first(100)).has_value());
  crypto.consume(level, 100);
  crypto.write(level, whole);
  std::vector<std::uint8_t> area(1200);
  PacketPayload payload(area);
  (void)crypto.write_crypto(payload, level);
  crypto.close_one_rtt();
  EXPECT_GT(crypto.memory(), 0u);  // what was written may have to be sent again
  EXPECT_TRUE(crypto.on_crypto(level, 50, Bytes{whole}.subspan(50, 50)).has_value());
  const auto refused = crypto.on_crypto(level, 50, Bytes{whole}.subspan(50, 51));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(crypto_error(10), refused.error().code);
  crypto.on_frame_acked(payload.frames()[0]);
  EXPECT_EQ(0u, crypto.memory());
  EXPECT_EQ(0u, pools.send.in_use());
  EXPECT_EQ(crypto_error(10), crypto.on_crypto(level, 100, Bytes{whole}.first(1)).error().code);
}

// rfc9000:4.2-no-waiting
TEST(receive_window, doubles_when_an_eighth_moves_within_a_round_trip_and_stops_at_the_cap) {
  ReceiveWindow window(1000, 3000);
  Timestamp now{};
  std::uint64_t moved = 0;
  for (int i = 0; i < 3; ++i) {
    moved += window.window() / 8;
    EXPECT_TRUE(window.wants_tuning(moved)) << i;
    now += 50ms;
    window.tune(moved, now, 50ms);
  }
  EXPECT_EQ(3000u, window.window());
  EXPECT_FALSE(window.wants_tuning(1'000'000));
  // More is granted at once, though nothing was consumed.
  EXPECT_TRUE(window.wants_update());
  EXPECT_EQ(3000u, window.renew());
}

TEST(receive_window, grows_fourfold_when_an_eighth_moves_within_a_quarter_of_a_round_trip) {
  ReceiveWindow window(1000, 100'000);
  Timestamp now{};
  window.tune(125, now, 50ms);
  EXPECT_EQ(1000u, window.window()) << "nothing to measure from";
  window.tune(250, now + 12ms, 50ms);
  EXPECT_EQ(4000u, window.window());
  window.tune(750, now + 25ms, 50ms);
  EXPECT_EQ(8000u, window.window()) << "13 of 50 ms is more than a quarter";
}

TEST(receive_window, stays_when_the_peer_is_slow) {
  ReceiveWindow window(1000, 3000);
  Timestamp now{};
  std::uint64_t moved = 0;
  for (int i = 0; i < 40; ++i) {
    moved += 125;
    now += 51ms;
    window.tune(moved, now, 50ms);
  }
  EXPECT_EQ(1000u, window.window());
}

TEST(send_buffer, tells_about_how_much_is_lost) {
  const auto whole = pattern(200'000);
  BlockPool pool(kSendBlockSize, 0);
  BlockAccount blocks(pool);
  SendBuffer buffer(blocks);
  buffer.append(SharedBytes(whole, nullptr));
  buffer.on_sent(0, whole.size());
  EXPECT_EQ(buffer.lost_octets(), 0u);
  buffer.on_lost(1'000, 500);
  buffer.on_lost(1'500, 500);
  EXPECT_EQ(buffer.lost_octets(), 1'000u);
  buffer.on_acked(1'200, 300);
  EXPECT_EQ(buffer.lost_octets(), 700u);
  buffer.on_acked(0, 2'000);
  EXPECT_EQ(buffer.lost_octets(), 0u);
  // Of a hundred ranges as well as of one.
  for (std::uint64_t i = 0; i < 100; ++i) buffer.on_lost(10'000 + i * 1'500, 1'000);
  EXPECT_EQ(buffer.lost_octets(), 100'000u);
}

TEST(send_buffer, what_is_cut_and_acknowledged_holds_no_block) {
  constexpr std::uint64_t kStep = kSendBlockSize / 2;
  constexpr std::uint64_t kSize = 5 * kStep;
  const auto whole = pattern(kSize);
  for (std::uint64_t sent = 0; sent <= kSize; sent += kStep) {
    for (std::uint64_t acked = 0; acked <= sent; acked += kStep) {
      for (std::uint64_t end = 0; end <= kSize; end += kStep) {
        BlockPool pool(kSendBlockSize, 0);
        BlockAccount blocks(pool);
        SendBuffer buffer(blocks);
        buffer.append_copy(whole);
        buffer.on_sent(0, sent);
        buffer.on_acked(0, acked);
        buffer.cut(end);
        const std::uint64_t kept = std::max(end, sent);
        EXPECT_EQ(buffer.end(), kept);
        buffer.on_sent(buffer.next(), kept - buffer.next());
        buffer.on_acked(0, kept);
        EXPECT_EQ(buffer.buffered(), 0u);
        EXPECT_EQ(blocks.held(), 0u) << sent << ' ' << acked << ' ' << end;
      }
    }
  }
}

TEST(receive_window, is_renewed_when_a_quarter_is_consumed) {
  ReceiveWindow window(1000, 1000);
  window.on_consumed(249);
  EXPECT_FALSE(window.wants_update());
  window.on_consumed(1);
  ASSERT_TRUE(window.wants_update());
  EXPECT_EQ(1250u, window.renew());
  EXPECT_FALSE(window.wants_update());
}

}  // namespace
}  // namespace hawser::quic
