// qlog_fields.cc: the fields that are more than a word or a number.
#include "events/qlog_fields.h"

#include <algorithm>
#include <string>

#include "events/qlog_writer.h"

namespace hawser {

void FieldWriter::operator()(std::string_view name, const SocketAddress& value) {
  if (value.family == AddressFamily::kNone) return;
  const bool v4 = value.family == AddressFamily::kIpv4;
  // "192.0.2.1:443" or "[2001:db8::1]:443": the address is what stands before the port.
  const std::string both = to_string(value);
  std::string_view ip = std::string_view{both}.substr(0, both.rfind(':'));
  if (ip.starts_with('[')) ip = ip.substr(1, ip.size() - 2);
  begin(name);
  json_.begin_object();
  json_.key(v4 ? "ip_v4" : "ip_v6");
  json_.text(ip);
  json_.key(v4 ? "port_v4" : "port_v6");
  json_.number(value.port);
  json_.end_object();
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
    if (value.is_flag) {
      (*this)(value.name, value.value != 0);
      continue;
    }
    begin(value.name);
    json_.number(value.value);
  }
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
