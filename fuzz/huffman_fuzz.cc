// huffman_fuzz.cc: any octets as a Huffman code; what decodes must encode back to the same octets.
// room: qpack
#include <vector>

#include "base/check.h"
#include "http3/qpack/huffman.h"

using namespace hawser;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65'536) return 0;
  std::vector<char> text(http3::qpack::huffman_decoded_max(size));
  const auto decoded = http3::qpack::huffman_decode({data, size}, text.data());
  if (!decoded) return 0;
  HAWSER_CHECK(*decoded <= text.size());
  const std::string_view view(text.data(), *decoded);
  // The code is complete and its padding fixed, so there is one encoding for each string.
  HAWSER_CHECK(http3::qpack::huffman_size(view) == size);
  std::vector<std::uint8_t> again(size);
  http3::qpack::huffman_encode(view, again.data());
  HAWSER_CHECK(equal(again, {data, size}));
  return 0;
}
