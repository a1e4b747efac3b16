// udp_frame_fuzz.cc: any octets as a frame: what is accepted lies within, and survives being built again.
// room: net
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "net/af_xdp/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::net;
  std::vector<std::uint8_t> frame(data, data + size);
  const auto parsed = parse_udp_frame(frame);
  if (!parsed) return 0;
  const std::uint8_t* const end = frame.data() + frame.size();
  HAWSER_CHECK(!parsed->payload.empty() && parsed->payload.data() >= frame.data());
  HAWSER_CHECK(parsed->payload.data() + parsed->payload.size() <= end);
  HAWSER_CHECK(parsed->addresses.data() >= frame.data() && parsed->addresses.data() + parsed->addresses.size() <= end);

  const FourTuple tuple = tuple_of(*parsed, 1);
  const FourTuple turned{.local = tuple.remote, .remote = tuple.local};
  const FrameHeaders headers({}, turned, parsed->ecn, true);
  std::vector<std::uint8_t> again(headers.size() + parsed->payload.size());
  HAWSER_CHECK(headers.write(again.data(), parsed->payload, 0) == again.size());
  const auto reparsed = parse_udp_frame(again);
  HAWSER_CHECK(reparsed.has_value() && equal(reparsed->payload, parsed->payload));
  HAWSER_CHECK(reparsed->ecn == parsed->ecn && tuple_of(*reparsed, 1) == tuple);
  return 0;
}
