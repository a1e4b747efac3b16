// Goal: whatever the encoder writes, the decoder reads back, for any capacity, loss of time between
// the three streams, acknowledgement mode and cancellation. Method: random lists over a small
// vocabulary, with the encoder stream, the sections and the decoder stream each delayed at random.
#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"
#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"

namespace hawser::http3::qpack {
namespace {

struct OwnedField {
  std::string name, value;
  bool sensitive = false;
};
using OwnedList = std::vector<OwnedField>;

struct Sent {
  std::uint64_t stream_id;
  OwnedList list;
  std::vector<std::uint8_t> section;
  bool waiting = false;
};

struct Setup {
  std::size_t peer_capacity = 4'096;
  std::size_t own_capacity = 4'096;
  std::size_t blocked_streams = 100;
  bool huffman = true;
  bool acknowledge = true;
  unsigned cancel_percent = 0;
};

OwnedList random_list(SeededRandom& random) {
  static const std::vector<std::string> names{
      ":method", ":path", ":authority", "user-agent", "cookie", "x-a", "x-long-name-of-a-field", "accept"};
  OwnedList list;
  for (std::uint64_t n = random.below(14); n > 0; --n) {
    OwnedField field{names[random.below(names.size())], "", random.below(12) == 0};
    if (random.below(4) != 0) {
      field.value = "value " + std::to_string(random.below(9));
    } else {
      field.value.resize(random.below(random.below(30) == 0 ? 3'000 : 60));
      for (char& c : field.value) c = static_cast<char>(random.below(256));
    }
    list.push_back(std::move(field));
  }
  return list;
}

class Pair {
 public:
  Pair(const Setup& setup, std::uint64_t seed)
      : setup_(setup),
        random_(seed),
        encoder_({.table_capacity_max = setup.own_capacity, .blocked_streams_max = 100, .huffman = setup.huffman}),
        decoder_({.table_capacity_max = setup.peer_capacity, .blocked_streams_max = setup.blocked_streams}) {
    encoder_.on_peer_settings(setup.peer_capacity, setup.blocked_streams);
  }

  void run(int sections) {
    for (int i = 0; i < sections && !::testing::Test::HasFatalFailure(); ++i) {
      send();
      for (std::uint64_t n = random_.below(10); n > 0; --n) deliver_some();
    }
    while (!::testing::Test::HasFatalFailure() && (!on_way_.empty() || !encoder_stream_.empty())) deliver_some();
  }

  std::size_t section_bytes = 0;
  std::size_t encoder_bytes = 0;
  std::size_t decoded = 0;
  std::size_t was_blocked = 0;
  [[nodiscard]] const Encoder& encoder() const { return encoder_; }

 private:
  void send() {
    Sent sent{next_stream_ += 4, random_list(random_), {}};
    std::vector<Field> fields;
    for (const OwnedField& f : sent.list) fields.push_back({f.name, f.value, f.sensitive});
    encoder_.encode(sent.stream_id, fields, sent.section);
    const Bytes pending = encoder_.pending_encoder_stream();
    encoder_stream_.insert(encoder_stream_.end(), pending.begin(), pending.end());
    encoder_bytes += pending.size();
    section_bytes += sent.section.size();
    encoder_.consume_encoder_stream(pending.size());
    // The encoder keeps the promise of SETTINGS_QPACK_BLOCKED_STREAMS.
    ASSERT_LE(encoder_.blocked_streams(), setup_.blocked_streams);
    on_way_.push_back(std::move(sent));
  }

  void deliver_some() {
    switch (random_.below(3)) {
      case 0:
        return deliver_encoder_stream();
      case 1:
        return deliver_section();
      default:
        return deliver_decoder_stream();
    }
  }

  void deliver_encoder_stream() {
    const std::size_t count = random_.below(encoder_stream_.size() + 1);
    ASSERT_TRUE(decoder_.on_encoder_stream(Bytes{encoder_stream_}.first(count)));
    encoder_stream_.erase(encoder_stream_.begin(), encoder_stream_.begin() + static_cast<std::ptrdiff_t>(count));
    std::uint64_t id = 0;
    while (decoder_.next_unblocked(id)) {
      for (std::size_t i = 0; i < on_way_.size(); ++i) {
        if (on_way_[i].stream_id == id) {
          ASSERT_TRUE(on_way_[i].waiting);
          try_decode(i);
          break;
        }
      }
    }
  }

  void deliver_section() {
    if (on_way_.empty()) return;
    const std::size_t i = random_.below(on_way_.size());
    if (on_way_[i].waiting) return;
    if (random_.below(100) < setup_.cancel_percent) {
      decoder_.cancel_stream(on_way_[i].stream_id);
      on_way_.erase(on_way_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
    try_decode(i);
  }

  void try_decode(std::size_t i) {
    const auto status = decoder_.decode(on_way_[i].stream_id, on_way_[i].section, out_);
    ASSERT_TRUE(status) << status.error().reason;
    if (*status == DecodeStatus::kBlocked) {
      ASSERT_FALSE(on_way_[i].waiting);
      on_way_[i].waiting = true;
      ++was_blocked;
      return;
    }
    ASSERT_EQ(*status, DecodeStatus::kDecoded);
    const OwnedList& list = on_way_[i].list;
    ASSERT_EQ(out_.size(), list.size());
    for (std::size_t f = 0; f < list.size(); ++f) {
      ASSERT_EQ(out_[f].name, list[f].name);
      ASSERT_EQ(out_[f].value, list[f].value);
      if (list[f].sensitive) ASSERT_TRUE(out_[f].sensitive);
    }
    ++decoded;
    on_way_.erase(on_way_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void deliver_decoder_stream() {
    if (!setup_.acknowledge) return;
    const Bytes pending = decoder_.pending_decoder_stream();
    const std::size_t count = random_.below(pending.size() + 1);
    const auto taken = encoder_.on_decoder_stream(pending.first(count));
    ASSERT_TRUE(taken) << taken.error().reason;
    decoder_.consume_decoder_stream(count);
  }

  Setup setup_;
  SeededRandom random_;
  Encoder encoder_;
  Decoder decoder_;
  FieldSection out_;
  std::deque<Sent> on_way_;
  std::vector<std::uint8_t> encoder_stream_;
  std::uint64_t next_stream_ = 0;
};

// rfc9204:2.1.2-limit rfc9204:3.2.3-capacity rfc9204:4.3.1-limit rfc9204:3.2.3-zero
TEST(qpack_round_trip, survives_every_capacity_and_blocked_stream_limit) {
  std::uint64_t seed = 1;
  for (const std::size_t capacity : {0, 31, 32, 33, 64, 100, 220, 1'024, 4'096, 65'536}) {
    for (const std::size_t blocked : {0, 1, 2, 100}) {
      for (const bool acknowledge : {true, false}) {
        Pair pair({.peer_capacity = capacity,
                   .own_capacity = 65'536,
                   .blocked_streams = blocked,
                   .huffman = seed % 3 != 0,
                   .acknowledge = acknowledge},
                  seed++);
        pair.run(120);
        ASSERT_FALSE(HasFatalFailure()) << "capacity " << capacity << " blocked " << blocked << " seed " << seed - 1;
        EXPECT_EQ(pair.decoded, 120u);
        if (blocked == 0) EXPECT_EQ(pair.was_blocked, 0u);
      }
    }
  }
}

TEST(qpack_round_trip, survives_cancellations) {
  for (std::uint64_t seed = 100; seed < 120; ++seed) {
    Pair pair({.peer_capacity = 512, .blocked_streams = 3, .cancel_percent = 20}, seed);
    pair.run(200);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

// rfc9204:3.2.2-evictable rfc9204:2.1.1-not-evictable
TEST(qpack_round_trip, wraps_the_insert_count_many_times) {
  // 3 entries fit, so MaxEntries is 3 and the encoded count wraps every 6 insertions.
  Pair pair({.peer_capacity = 120, .blocked_streams = 10}, 77);
  pair.run(2'000);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_GT(pair.encoder().table().insert_count(), 60u);
}

TEST(qpack_round_trip, uses_less_of_the_table_than_the_peer_offers) {
  Pair pair({.peer_capacity = 65'536, .own_capacity = 300, .blocked_streams = 10}, 78);
  pair.run(500);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_LE(pair.encoder().table().capacity(), 300u);
}

TEST(qpack_round_trip, saves_octets_when_requests_repeat) {
  Pair none({.peer_capacity = 0, .blocked_streams = 0}, 5);
  Pair table({.peer_capacity = 4'096, .blocked_streams = 100}, 5);
  none.run(400);
  table.run(400);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_LT(table.section_bytes + table.encoder_bytes, none.section_bytes);
}

}  // namespace
}  // namespace hawser::http3::qpack
