// qlog_fields.cc: the fields that are more than a word or a number.
#include "events/qlog_fields.h"

#include <algorithm>

#include "events/qlog_writer.h"

namespace hawser {

void FieldWriter::operator()(std::string_view name, const SocketAddress& value) {
  if (value.family == AddressFamily::kNone) return;
  begin(name);
  write_address(json_, value);
}

void FieldWriter::operator()(std::string_view name, std::span<const std::uint32_t> versions) {
  if (versions.empty()) return;
  begin(name);
  json_.begin_array();
  for (const std::uint32_t version : versions) write_version(version);
  json_.end_array();
}

void FieldWriter::operator()(std::string_view name, std::span<const FrameSummary> frames) {
  if (frames.empty()) return;
  begin(name);
  json_.begin_array();
  for (const FrameSummary& frame : frames) write_frame(json_, frame, {.names = names_, .http3 = http3_});
  json_.end_array();
}

void FieldWriter::operator()(std::string_view name, std::span<const Range> packet_numbers) {
  if (packet_numbers.empty()) return;
  begin(name);
  json_.begin_array();
  std::size_t written = 0;
  for (const Range& range : packet_numbers) {
    for (std::uint64_t n = range.begin; n < range.end && written < QlogWriter::kPacketNumbersMax; ++n, ++written)
      json_.number(n);
  }
  json_.end_array();
}

void FieldWriter::operator()(std::string_view, std::span<const NamedValue> values) {
  for (const NamedValue& value : values) {
    if (value.name.empty()) continue;
    if (value.is_flag) {
      (*this)(value.name, value.value != 0);
      continue;
    }
    begin(value.name);
    json_.number(value.value);
  }
}

void FieldWriter::operator()(std::string_view name, std::span<const ReceivedAt> packets) {
  if (packets.empty()) return;
  begin(name);
  json_.begin_array();
  for (const ReceivedAt& packet : packets) {
    json_.begin_array();
    json_.number(packet.packet_number);
    json_.milliseconds(packet.since_basis);
    json_.end_array();
  }
  json_.end_array();
}

void FieldWriter::operator()(std::string_view name, const LoggedTrain& train) {
  if (train.segment_size == 0) return;
  begin(name);
  json_.begin_array();
  for (std::uint64_t left = train.size; left > 0;) {
    const std::uint64_t length = std::min(left, train.segment_size);
    json_.begin_object();
    json_.key("length");
    json_.number(length);
    json_.end_object();
    left -= length;
  }
  json_.end_array();
}

void FieldWriter::operator()(std::string_view name, Ratio value) {
  begin(name);
  json_.milliseconds(std::chrono::microseconds(static_cast<std::int64_t>(value.thousandths)));
}

void FieldWriter::operator()(std::string_view name, const Http3FrameSummary& frame) {
  begin(name);
  write_http3_frame(json_, frame);
}

}  // namespace hawser
