// http3_frames_fuzz.cc: any octets as a stream of frames; where the stream is cut must not matter.
// room: http3
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "http3/frames.h"
#include "http3/priority.h"
#include "http3/settings.h"

using namespace hawser;
using http3::FrameReader;

namespace {

constexpr std::size_t kHeadersMax = 1'024;

// What a reader makes of `input` in pieces of `piece` octets, as text to compare.
std::string read(Bytes input, std::size_t piece, http3::FrameStream stream, quic::Role role) {
  FrameReader reader;
  reader.reset(stream, role, kHeadersMax);
  std::string told;
  std::uint64_t data_left = 0;
  while (!input.empty()) {
    Bytes part = input.first(std::min(piece, input.size()));
    const std::size_t given = part.size();
    while (!part.empty()) {
      if (data_left > 0) {
        const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(data_left, part.size()));
        part = part.subspan(take);
        data_left -= take;
        continue;
      }
      const auto event = reader.next(part);
      if (!event) return told + "error " + std::string(to_string(event.error().code));
      HAWSER_CHECK(reader.buffered() <= std::max(kHeadersMax, http3::kSettingsPayloadMax));
      if (event->kind == FrameReader::Kind::kNeedMore) continue;
      told += std::to_string(static_cast<int>(event->kind)) + ":" + std::to_string(event->type) + ":" +
              to_hex(event->payload) + " ";
      if (event->kind == FrameReader::Kind::kData) data_left = event->length;
    }
    input = input.subspan(given);
  }
  return told;
}

void parse_payloads(Bytes input) {
  (void)http3::parse_integer_payload(input);
  if (const auto update = http3::parse_priority_update(input)) {
    http3::Priority priority;
    if (http3::parse_priority(update->priority, priority)) HAWSER_CHECK(priority.urgency <= http3::kUrgencyMax);
  }
  const auto settings = http3::parse_settings(input);
  if (!settings) return;
  // What was understood must survive being written and read again.
  std::vector<std::uint8_t> frame;
  http3::append_settings_frame(frame, *settings, 0);
  FrameReader reader;
  reader.reset(http3::FrameStream::kControl, quic::Role::kClient, 0);
  Bytes in = frame;
  const auto event = reader.next(in);
  HAWSER_CHECK(event.has_value());
  const auto again = http3::parse_settings(event->payload);
  HAWSER_CHECK(again.has_value() && again->max_field_section_size == settings->max_field_section_size &&
               again->others == settings->others);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8'192) return 0;
  const auto stream = (data[0] & 1) != 0 ? http3::FrameStream::kControl : http3::FrameStream::kRequest;
  const auto role = (data[0] & 2) != 0 ? quic::Role::kServer : quic::Role::kClient;
  const Bytes input{data + 2, size - 2};
  HAWSER_CHECK(read(input, input.size(), stream, role) == read(input, data[1] % 16u + 1, stream, role));
  parse_payloads(input);
  return 0;
}
