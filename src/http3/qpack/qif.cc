// qif.cc: reading, writing and generating header lists for the interop corpus.
#include "http3/qpack/qif.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "base/reader.h"
#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"

namespace hawser::http3::qpack {

namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void append_block(std::vector<std::uint8_t>& file, std::uint64_t stream_id, Bytes block) {
  for (int shift = 56; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(stream_id >> shift));
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(block.size() >> shift));
  file.insert(file.end(), block.begin(), block.end());
}

std::vector<Field> views_of(const QifList& list) {
  std::vector<Field> fields;
  fields.reserve(list.size());
  for (const QifField& field : list) fields.push_back({field.name, field.value});
  return fields;
}

DecoderConfig decoder_config(const InteropOptions& options) {
  // The corpus counts the table as set up in full from the start; an encoder may say so too.
  return {.table_capacity_max = options.table_capacity,
          .table_capacity_initial = options.table_capacity,
          .blocked_streams_max = options.blocked_streams,
          .field_section_size_max = std::size_t{1} << 24};
}

// The decoder's side of a file: sections wait for insertions like streams do.
class InteropDecoder {
 public:
  explicit InteropDecoder(const InteropOptions& options) : decoder_(decoder_config(options)) {}

  std::expected<void, ConfigError> run(Bytes file) {
    Reader in(file);
    while (!in.empty()) {
      offset_ = file.size() - in.remaining();
      std::uint32_t high = 0, low = 0, length = 0;
      Bytes block;
      if (!in.u32(high) || !in.u32(low) || !in.u32(length) || !in.bytes(length, block))
        return broken("the file ends inside a block: it is cut, or not an encoded file");
      const std::uint64_t stream_id = std::uint64_t{high} << 32 | low;
      const auto done = stream_id == 0 ? take_insertions(block) : take_section(stream_id, block);
      if (!done) return done;
      decoder_.consume_decoder_stream(decoder_.pending_decoder_stream().size());
    }
    if (decoder_.blocked_streams() > 0) return broken("sections wait for insertions that the file does not have");
    return {};
  }

  std::vector<QifList> take_lists() {
    std::stable_sort(decoded_.begin(), decoded_.end(),
                     [](const Decoded& a, const Decoded& b) { return a.stream_id < b.stream_id; });
    std::vector<QifList> lists;
    for (Decoded& d : decoded_) lists.push_back(std::move(d.list));
    return lists;
  }

 private:
  struct Decoded {
    std::uint64_t stream_id;
    QifList list;
  };
  struct Waiting {
    std::uint64_t stream_id;
    Bytes section;
  };

  std::unexpected<ConfigError> broken(std::string_view what) const {
    return std::unexpected(ConfigError{"at octet " + std::to_string(offset_) + ": " + std::string(what)});
  }

  std::expected<void, ConfigError> take_insertions(Bytes block) {
    if (const auto done = decoder_.on_encoder_stream(block); !done) {
      return broken(std::string(done.error().reason) + "; give --table-capacity as the encoder had it");
    }
    std::uint64_t id = 0;
    while (decoder_.next_unblocked(id)) {
      const auto found =
          std::find_if(waiting_.begin(), waiting_.end(), [id](const Waiting& w) { return w.stream_id == id; });
      HAWSER_CHECK(found != waiting_.end());
      const Bytes section = found->section;
      waiting_.erase(found);
      if (const auto done = take_section(id, section); !done) return done;
    }
    return {};
  }

  std::expected<void, ConfigError> take_section(std::uint64_t stream_id, Bytes block) {
    const auto status = decoder_.decode(stream_id, block, section_);
    if (!status) {
      return broken("stream " + std::to_string(stream_id) + ": " + std::string(status.error().reason) +
                    "; give --table-capacity and --blocked-streams as the encoder had them");
    }
    if (*status == DecodeStatus::kTooLarge) return broken("a list of more than 16 MiB");
    if (*status == DecodeStatus::kBlocked) {
      waiting_.push_back({stream_id, block});
      return {};
    }
    QifList list;
    for (const Field& field : section_) list.push_back({std::string(field.name), std::string(field.value)});
    decoded_.push_back({stream_id, std::move(list)});
    return {};
  }

  Decoder decoder_;
  FieldSection section_;
  std::vector<Waiting> waiting_;
  std::vector<Decoded> decoded_;
  std::size_t offset_ = 0;
};

std::string_view value_of(const QifList& list, std::string_view name) {
  for (const QifField& field : list) {
    if (field.name == name) return field.value;
  }
  return {};
}

// The same message in HTTP/1.1: "GET / HTTP/1.1", "HTTP/1.1 200 OK", lines and a blank one.
std::size_t http1_size(const QifList& list) {
  std::size_t size = 2;
  const std::string_view status = value_of(list, ":status");
  if (!status.empty()) {
    size += std::string_view("HTTP/1.1  OK\r\n").size() + status.size();
  } else {
    size +=
        std::string_view("  HTTP/1.1\r\n").size() + value_of(list, ":method").size() + value_of(list, ":path").size();
    size += std::string_view("host: \r\n").size() + value_of(list, ":authority").size();
  }
  for (const QifField& field : list) {
    if (!field.name.starts_with(':'))
      size += field.name.size() + field.value.size() + std::string_view(": \r\n").size();
  }
  return size;
}

}  // namespace

std::expected<std::vector<QifList>, ConfigError> parse_qif(std::string_view text) {
  std::vector<QifList> lists;
  QifList list;
  const auto finish = [&] {
    if (!list.empty()) lists.push_back(std::move(list));
    list.clear();
  };
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.starts_with('#')) continue;
    if (line.empty()) {
      finish();
      continue;
    }
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || tab == 0) {
      return std::unexpected(ConfigError{"line " + std::to_string(number) + ": write a name, a tab and a value"});
    }
    list.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))});
  }
  finish();
  return lists;
}

std::string format_qif(const std::vector<QifList>& lists) {
  std::string text;
  for (const QifList& list : lists) {
    for (const QifField& field : list) text += field.name + "\t" + field.value + "\n";
    text += "\n";
  }
  return text;
}

EncodedQif encode_qif(const std::vector<QifList>& lists, const InteropOptions& options) {
  EncodedQif out;
  Encoder encoder({.table_capacity_max = options.table_capacity, .blocked_streams_max = options.blocked_streams});
  encoder.on_peer_settings(options.table_capacity, options.blocked_streams);
  Decoder decoder(decoder_config(options));
  FieldSection decoded;
  std::vector<std::uint8_t> section;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    section.clear();
    encoder.encode(i + 1, views_of(lists[i]), section);
    const Bytes insertions = encoder.pending_encoder_stream();
    if (!insertions.empty()) append_block(out.file, 0, insertions);
    append_block(out.file, i + 1, section);
    out.encoder_octets += insertions.size();
    out.section_octets += section.size();
    if (options.acknowledge) {
      HAWSER_CHECK(decoder.on_encoder_stream(insertions).has_value());
      HAWSER_CHECK(decoder.decode(i + 1, section, decoded).has_value());
      const Bytes answer = decoder.pending_decoder_stream();
      out.decoder_octets += answer.size();
      HAWSER_CHECK(encoder.on_decoder_stream(answer).has_value());
      decoder.consume_decoder_stream(answer.size());
    }
    encoder.consume_encoder_stream(insertions.size());
  }
  return out;
}

std::expected<std::vector<QifList>, ConfigError> decode_qif(Bytes file, const InteropOptions& options) {
  InteropDecoder decoder(options);
  if (const auto done = decoder.run(file); !done) return std::unexpected(done.error());
  return decoder.take_lists();
}

HeaderCost measure_qif(const std::vector<QifList>& lists, const InteropOptions& options) {
  HeaderCost cost;
  cost.lists = lists.size();
  for (const QifList& list : lists) {
    cost.fields += list.size();
    cost.http1 += http1_size(list);
  }
  cost.static_only = encode_qif(lists, {.table_capacity = 0, .blocked_streams = 0}).section_octets;
  const EncodedQif dynamic = encode_qif(lists, options);
  cost.dynamic = dynamic.section_octets + dynamic.encoder_octets;
  cost.decoder_stream = dynamic.decoder_octets;
  return cost;
}

std::vector<QifList> generate_browser_requests(std::size_t count, std::uint64_t seed) {
  struct Kind {
    std::string_view folder, ending, accept, destination, mode;
  };
  static constexpr Kind kKinds[] = {
      {"/assets/js/chunk-", ".js", "*/*", "script", "no-cors"},
      {"/assets/css/theme-", ".css", "text/css,*/*;q=0.1", "style", "no-cors"},
      {"/img/photo-", ".webp", "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "image",
       "no-cors"},
      {"/api/v2/items/", "?fields=id,name", "application/json, text/plain, */*", "empty", "cors"},
      {"/fonts/text-", ".woff2", "application/font-woff2;q=1.0,*/*;q=0.8", "font", "cors"},
  };
  SeededRandom random(seed);
  const std::string session = "session=" + std::to_string(random.next_u64()) + std::to_string(random.next_u64());
  std::vector<QifList> lists;
  std::string page = "https://www.example.net/";
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_page = i % 25 == 0;
    const Kind& kind = kKinds[random.below(std::size(kKinds))];
    std::string path = std::string(kind.folder) + std::to_string(random.below(400)) + std::string(kind.ending);
    if (is_page) {
      path = "/articles/" + std::to_string(random.below(10'000)) + "/read";
      page = "https://www.example.net" + path;
    }
    QifList list{{":method", "GET"},
                 {":scheme", "https"},
                 {":authority", is_page || random.below(4) != 0 ? "www.example.net" : "static.example-cdn.net"},
                 {":path", path}};
    list.push_back({"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"});
    list.push_back({"accept", is_page ? "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
                                      : std::string(kind.accept)});
    list.push_back({"accept-language", "en-GB,en;q=0.7,de;q=0.3"});
    list.push_back({"accept-encoding", "gzip, deflate, br, zstd"});
    if (!is_page) list.push_back({"referer", page});
    list.push_back({"cookie", session});
    list.push_back({"cookie", "theme=dark; consent=all"});
    list.push_back({"sec-fetch-dest", is_page ? "document" : std::string(kind.destination)});
    list.push_back({"sec-fetch-mode", is_page ? "navigate" : std::string(kind.mode)});
    list.push_back({"sec-fetch-site", "same-origin"});
    if (is_page) list.push_back({"upgrade-insecure-requests", "1"});
    list.push_back({"priority", is_page ? "u=0, i" : "u=2"});
    lists.push_back(std::move(list));
  }
  return lists;
}

}  // namespace hawser::http3::qpack
