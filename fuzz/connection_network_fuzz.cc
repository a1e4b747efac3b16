// connection_network_fuzz.cc: two endpoints and a network that the input owns: every invariant of the simulator holds.
// room: sim
// with: fuzz/null_tls.cc
//
// Each datagram takes the next octet of the input, which says what becomes of it: passed, dropped,
// held back, sent twice, damaged or cut. When the input is used up, all pass.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/check.h"
#include "sim/scenario.h"
#include "sim/setup_text.h"

namespace {

using namespace hawser;
using namespace hawser::sim;

class FuzzedNetwork final : public Element {
 public:
  explicit FuzzedNetwork(Bytes script) : script_(script) {}

  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    const std::uint8_t verdict = next();
    switch (verdict & 7) {
      case 1:
        return;
      case 2:
        return out.pass(std::move(datagram), now + (verdict >> 3) * 7ms);
      case 3:
        out.pass(datagram, now + (verdict >> 3) * 3ms);
        break;
      case 4:
        damage(datagram, verdict >> 3);
        break;
      case 5:
        datagram.bytes.resize(datagram.bytes.size() * (verdict >> 3) / 32 + 1);
        break;
      case 6:
        datagram.ecn = static_cast<Ecn>(verdict >> 3 & 3);
        break;
      default:
        break;
    }
    out.pass(std::move(datagram), now);
  }

 private:
  // Not the type and version of a packet: who sees the first packets can end a handshake by Retry
  // and Version Negotiation, which nothing authenticates.
  static constexpr std::size_t kHeader = 5;

  std::uint8_t next() {
    if (script_.empty()) return 0;
    const std::uint8_t value = script_.front();
    script_ = script_.subspan(1);
    return value;
  }
  void damage(Datagram& datagram, std::size_t at) {
    if (datagram.bytes.size() <= kHeader) return;
    const std::size_t range = datagram.bytes.size() - kHeader;
    datagram.bytes[kHeader + (at * 41 + next()) % range] ^= static_cast<std::uint8_t>(next() | 1);
  }

  Bytes script_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Two octets choose the shape; 4,096 datagrams bound the time.
  if (size < 2 || size > 4'096) return 0;
  FuzzedNetwork network(Bytes{data + 2, size - 2});
  SetupText scenario{.setup = {}, .seed = data[0]};
  Setup& setup = scenario.setup;
  setup.link = link({delay(10ms), through(network)});
  setup.client_application.streams_bidi = 1 + (data[1] & 3);
  setup.server_application.streams_uni = data[1] >> 2 & 3;
  // Data is read as it comes; an application that looks every millisecond besides would be most of a run.
  setup.client_application.read_interval = setup.server_application.read_interval = 100ms;
  setup.transfer = {.bytes_max = 1'200, .reset_share = 0.1, .stop_share = 0.1};
  setup.client.key_update_packets = (data[1] & 16) != 0 ? 10 : 0;
  setup.client.idle_timeout = setup.server.idle_timeout = 20s;
  setup.may_time_out = true;
  const ScenarioResult result = run_scenario(scenario, {});
  if (!result.passed) std::fprintf(stderr, "%s\n", result.failure.c_str());
  HAWSER_CHECK(result.passed);
  return 0;
}
