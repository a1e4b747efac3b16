// version_preference_test.cc: goal: lists of versions are read as people write them, and
// version_information is encoded as RFC 9368 section 3 says. Method: texts, right and wrong, and
// round trips over seeds.
#include "quic/wire/version_preference.h"

#include <gtest/gtest.h>

#include "quic/wire/version_information.h"

namespace hawser::quic {
namespace {

TEST(version_preference, keeps_the_order_it_is_written_in) {
  const auto versions = VersionPreference::parse("2,1,2-draft");
  ASSERT_TRUE(versions.has_value());
  ASSERT_EQ(versions->view().size(), 3u);
  EXPECT_EQ(versions->preferred(), Version::kV2);
  EXPECT_EQ(versions->view()[2], Version::kV2Draft);
  EXPECT_EQ(*versions, (VersionPreference{Version::kV2, Version::kV1, Version::kV2Draft}));
}

TEST(version_preference, refuses_what_is_no_version_or_named_twice) {
  for (const char* text : {"", "3", "1,", ",1", "1,1", "2,1,2", "v1", "1 ,2"})
    EXPECT_FALSE(VersionPreference::parse(text).has_value()) << text;
}

// rfc9368:2.5-avoid
TEST(version_preference, begins_with_version_1_where_it_is_spoken) {
  EXPECT_EQ((VersionPreference{Version::kV2, Version::kV1}.first_flight()), Version::kV1);
  EXPECT_EQ((VersionPreference{Version::kV2, Version::kV2Draft}.first_flight()), Version::kV2);
}

TEST(version_preference, names_every_version_that_is_spoken) {
  for (const VersionTraits& traits : kVersionTraits)
    EXPECT_EQ(parse_version(version_name(traits.version)), traits.version);
  EXPECT_EQ(version_name(Version{0x1a2a3a4a}), "unknown");
}

TEST(version_information, keeps_order_around_a_reserved_version) {
  constexpr std::array kAvailable{Version::kV2, Version::kV1};
  bool first = false;
  bool last = false;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SeededRandom random(seed);
    const auto value = encode_version_information(Version::kV1, kAvailable, true, random);
    const VersionInformationView view(value);
    EXPECT_EQ(view.chosen(), Version::kV1);
    ASSERT_EQ(view.available().size(), 3u);
    std::vector<Version> known;
    for (std::size_t i = 0; i < 3; ++i)
      if (!is_reserved_version(view.available()[i])) known.push_back(view.available()[i]);
    EXPECT_EQ(known, (std::vector<Version>{Version::kV2, Version::kV1}));
    first |= is_reserved_version(view.available()[0]);
    last |= is_reserved_version(view.available()[2]);
  }
  EXPECT_TRUE(first && last);
}

TEST(version_information, has_no_reserved_version_if_told_so) {
  SeededRandom random(1);
  constexpr std::array kAvailable{Version::kV2};
  EXPECT_EQ(encode_version_information(Version::kV2, kAvailable, false, random), from_hex("6b3343cf6b3343cf"));
}

}  // namespace
}  // namespace hawser::quic
