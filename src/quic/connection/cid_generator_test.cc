// Goal: connection IDs say whose they are, and nothing else. Method: many of them for
// endpoints among few and among many.
#include "quic/connection/cid_generator.h"

#include <gtest/gtest.h>

#include <set>

namespace hawser::quic {
namespace {

std::uint32_t number_of(const ConnectionId& cid) {
  return std::uint32_t{cid.data()[0]} << 8 | cid.data()[1];
}

TEST(cid_generator, first_two_octets_leave_the_worker_when_divided_by_their_count) {
  SeededRandom random{1};
  for (const unsigned workers : {1u, 2u, 3u, 7u, 24u, 256u}) {
    for (unsigned worker = 0; worker < workers; ++worker) {
      CidGenerator cids(random,
                        {.worker = static_cast<std::uint16_t>(worker), .workers = static_cast<std::uint16_t>(workers)});
      for (int i = 0; i < 300; ++i) EXPECT_EQ(number_of(cids.generate()) % workers, worker);
    }
  }
}

// rfc9000:5.1-unlinkable
TEST(cid_generator, leaves_the_rest_to_chance) {
  SeededRandom random{2};
  CidGenerator cids(random, {.length = 4, .worker = 2, .workers = 3});
  std::set<std::uint32_t> numbers;
  std::set<std::uint8_t> last_octets;
  for (int i = 0; i < 10'000; ++i) {
    const ConnectionId cid = cids.generate();
    ASSERT_EQ(cid.length(), 4u);
    numbers.insert(number_of(cid));
    last_octets.insert(cid.data()[3]);
  }
  // 21,845 numbers are this worker's; 10,000 draws hit about 8,000 of them.
  EXPECT_GT(numbers.size(), 7'500u);
  EXPECT_EQ(last_octets.size(), 256u);
}

// rfc9000:10.3.2-revealed rfc9000:10.3.2-not-twice
TEST(cid_generator, gives_none_out_twice_and_each_its_own_token) {
  SeededRandom random{3};
  CidGenerator cids(random, {.secret = {1, 2, 3}, .worker = 1, .workers = 4});
  std::set<std::vector<std::uint8_t>> seen;
  std::set<StatelessResetToken> tokens;
  for (int i = 0; i < 20'000; ++i) {
    const ConnectionId cid = cids.generate();
    EXPECT_TRUE(seen.insert({cid.view().begin(), cid.view().end()}).second);
    EXPECT_TRUE(tokens.insert(cids.reset_token(cid)).second);
  }
}

}  // namespace
}  // namespace hawser::quic
