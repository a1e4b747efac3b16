// http3_message_fuzz.cc: any list of fields as a request, a response and trailers.
// room: http3
#include <vector>

#include "base/check.h"
#include "base/reader.h"
#include "http3/message.h"

using namespace hawser;

namespace {

// Names that the rules speak of, so that inputs of few octets reach them.
constexpr std::string_view kNames[] = {
    ":method", ":scheme",        ":authority", ":path",    ":status",           ":protocol", "host",  "cookie",
    "te",      "content-length", "connection", "priority", "transfer-encoding", "upgrade",   "accept"};

void check_head(const http3::MessageHead& head) {
  std::size_t cookies = 0;
  for (const http3::Field& field : head.fields) {
    HAWSER_CHECK(http3::is_field_name(field.name));
    HAWSER_CHECK(field.name != "connection" && field.name != "transfer-encoding");
    HAWSER_CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    cookies += field.name == "cookie" ? 1 : 0;
  }
  HAWSER_CHECK(cookies <= 1);
}

}  // namespace

// Input: {name selector, value length, value}; a selector of 15 and above takes its name from
// the input too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in({data, size});
  http3::FieldSection request;
  http3::FieldSection response;
  std::uint8_t selector = 0;
  std::uint8_t length = 0;
  while (in.u8(selector) && in.u8(length)) {
    std::string_view name = kNames[selector % std::size(kNames)];
    Bytes octets;
    if (selector >= 240 && in.bytes(selector % 16u, octets)) name = as_text(octets);
    if (!in.bytes(length, octets)) octets = in.rest();
    request.append(name, as_text(octets));
    response.append(name, as_text(octets));
  }
  const bool trailers = http3::check_trailers(request).has_value();
  const auto outgoing = http3::check_outgoing_request(request.fields(), true);
  const auto parsed = http3::parse_request(request, {.extended_connect = true});
  HAWSER_CHECK(outgoing.has_value() == parsed.has_value());
  if (parsed) {
    HAWSER_CHECK(!parsed->method.empty() && !trailers);
    if (parsed->scheme == "https") HAWSER_CHECK(!parsed->authority.empty() && !parsed->path.empty());
    check_head(*parsed);
  }
  if (const auto head = http3::parse_response(response)) {
    HAWSER_CHECK(head->status >= 100 && head->status <= 999 && head->status != 101);
    check_head(*head);
  }
  return 0;
}
