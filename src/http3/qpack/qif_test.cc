// Goal: files of the interop corpus come back as they went, and broken ones are refused with a
// sentence that helps. Method: generated lists through both directions under every option.
#include <gtest/gtest.h>

#include "http3/qpack/qif.h"

namespace hawser::http3::qpack {
namespace {

TEST(qif, reads_lists_and_writes_them_back) {
  const auto lists = parse_qif("# a note\n:method\tGET\n:path\t/\n\n\nempty\t\nspaced\ta b\tc\n");
  ASSERT_TRUE(lists);
  ASSERT_EQ(lists->size(), 2u);
  EXPECT_EQ((*lists)[0], (QifList{{":method", "GET"}, {":path", "/"}}));
  EXPECT_EQ((*lists)[1], (QifList{{"empty", ""}, {"spaced", "a b\tc"}}));
  EXPECT_EQ(parse_qif(format_qif(*lists)), *lists);
}

TEST(qif, says_which_line_is_wrong) {
  const auto lists = parse_qif(":method\tGET\nno tab here\n");
  ASSERT_FALSE(lists);
  EXPECT_EQ(lists.error().message, "line 2: write a name, a tab and a value");
}

TEST(qif, round_trips_under_every_option) {
  const auto lists = generate_browser_requests(300, 3);
  for (const std::size_t capacity : {0, 256, 512, 4'096}) {
    for (const std::size_t blocked : {0, 100}) {
      for (const bool acknowledge : {false, true}) {
        const InteropOptions options{capacity, blocked, acknowledge};
        const EncodedQif encoded = encode_qif(lists, options);
        const auto decoded = decode_qif(encoded.file, options);
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_EQ(*decoded, lists) << capacity << " " << blocked << " " << acknowledge;
      }
    }
  }
}

TEST(qif, says_where_an_encoded_file_is_broken) {
  const auto lists = generate_browser_requests(20, 4);
  EncodedQif encoded = encode_qif(lists, {});
  auto cut = encoded.file;
  cut.pop_back();
  EXPECT_FALSE(decode_qif(cut, {}));
  const auto small = decode_qif(encoded.file, {.table_capacity = 64});
  ASSERT_FALSE(small);
  EXPECT_NE(small.error().message.find("--table-capacity"), std::string::npos);
}

TEST(qif, a_dynamic_table_beats_the_static_one_and_both_beat_text) {
  const HeaderCost cost = measure_qif(generate_browser_requests(1'000, 5), {});
  EXPECT_EQ(cost.lists, 1'000u);
  EXPECT_LT(cost.static_only, cost.http1);
  // One reference is an octet where a text line has dozens: an order of magnitude is the least.
  EXPECT_LT(cost.dynamic * 8, cost.http1);
  EXPECT_LT(cost.dynamic * 4, cost.static_only);
}

}  // namespace
}  // namespace hawser::http3::qpack
