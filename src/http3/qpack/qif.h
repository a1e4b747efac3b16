// qif.h: the files of the public QPACK interop corpus: header lists as text (QIF), and encoded as a
// sequence of {stream ID of 64 bits, length of 32 bits, octets} in network order, where stream
// 0 is the encoder stream and list n is the field section of stream n, from 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hawser::http3::qpack {

struct QifField {
  std::string name;
  std::string value;

  bool operator==(const QifField&) const = default;
};
using QifList = std::vector<QifField>;

// Lines of `name TAB value`, a blank line between lists; lines that begin with # are notes.
std::expected<std::vector<QifList>, ConfigError> parse_qif(std::string_view text);
std::string format_qif(const std::vector<QifList>& lists);

// What both ends agree on, as in SETTINGS.
struct InteropOptions {
  std::size_t table_capacity = 4'096;
  std::size_t blocked_streams = 100;
  // The decoder acknowledges each list before the next is encoded; otherwise it never does.
  bool acknowledge = true;
};

struct EncodedQif {
  std::vector<std::uint8_t> file;
  std::size_t section_octets = 0;  // field sections, without the file's own headers
  std::size_t encoder_octets = 0;  // encoder stream
  std::size_t decoder_octets = 0;  // decoder stream; not part of the file
};

EncodedQif encode_qif(const std::vector<QifList>& lists, const InteropOptions& options);
// Back to lists, in the order of their stream IDs. The message of an error says where the
// file stopped making sense.
std::expected<std::vector<QifList>, ConfigError> decode_qif(Bytes file, const InteropOptions& options);

// What header lists cost in octets, by way of sending them.
struct HeaderCost {
  std::size_t lists = 0;
  std::size_t fields = 0;
  std::size_t http1 = 0;           // HTTP/1.1 text
  std::size_t static_only = 0;     // QPACK without a dynamic table
  std::size_t dynamic = 0;         // with InteropOptions' table; sections and encoder stream
  std::size_t decoder_stream = 0;  // what the other way costs on top
};
HeaderCost measure_qif(const std::vector<QifList>& lists, const InteropOptions& options);

// Requests as a browser sends them on one connection: a page, then what it is made of, with
// cookies and referers. The same seed gives the same lists.
std::vector<QifList> generate_browser_requests(std::size_t count, std::uint64_t seed);

}  // namespace hawser::http3::qpack
