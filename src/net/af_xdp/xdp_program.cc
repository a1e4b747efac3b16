// xdp_program.cc: looks at a frame from the outside in, and passes it on at the first thing that
// is not ours. The verifier has every read proved to lie within the frame.
#include "net/af_xdp/xdp_program.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "net/bpf_assembler.h"

namespace hawser::net {
namespace {

constexpr std::int32_t kEtherTypeIpv4 = 0x0800;
constexpr std::int32_t kEtherTypeIpv6 = 0x86dd;
constexpr std::int32_t kProtocolUdp = 17;

// Offsets in a frame.
constexpr std::int16_t kEtherType = 12;
constexpr std::int16_t kIp = kEthernetHeaderSize;
constexpr std::int16_t kIpv4Fragment = kIp + 6;
constexpr std::int16_t kIpv4Protocol = kIp + 9;
constexpr std::int16_t kIpv4Destination = kIp + 16;
constexpr std::int16_t kIpv4DestinationPort = kIp + kIpv4HeaderSize + 2;
constexpr std::int16_t kIpv6NextHeader = kIp + 6;
constexpr std::int16_t kIpv6Destination = kIp + 24;
constexpr std::int16_t kIpv6DestinationPort = kIp + kIpv6HeaderSize + 2;

// The key lies on the stack, which must be aligned to 8.
constexpr std::int16_t kKey = -24;
constexpr std::int16_t kKeyPort = kKey + static_cast<int>(offsetof(XdpDestination, port));
constexpr std::int16_t kKeyFamily = kKey + static_cast<int>(offsetof(XdpDestination, family));

// Who holds what throughout.
constexpr BpfRegister kFrame = kR2;
constexpr BpfRegister kFrameEnd = kR3;
constexpr BpfRegister kValue = kR5;
constexpr BpfRegister kContext = kR6;

// A number of 16 bits as it is read from a frame.
std::int32_t in_frame(std::int32_t value) {
  return htons(static_cast<std::uint16_t>(value));
}

class ProgramWriter {
 public:
  explicit ProgramWriter(const XdpProgramOptions& options)
      : options_(options), pass_(code_.new_label()), ipv6_(code_.new_label()), look_up_(code_.new_label()) {}

  std::vector<bpf_insn> write() {
    write_link_checks();
    write_ipv4();
    code_.place(ipv6_);
    write_ipv6();
    code_.place(look_up_);
    write_redirect();
    code_.place(pass_);
    code_.move(kR0, XDP_PASS);
    code_.exit();
    return code_.finish();
  }

 private:
  void need_octets(std::size_t size) {
    code_.move(kR4, kFrame);
    code_.add(kR4, static_cast<std::int32_t>(size));
    code_.jump_if(kR4, BpfTest::kGreater, kFrameEnd, pass_);
  }

  void need(BpfWidth width, std::int16_t offset, std::int32_t value) {
    code_.load(width, kValue, kFrame, offset);
    code_.jump_unless(kValue, BpfTest::kEqual, value, pass_);
  }

  void write_link_checks() {
    code_.move(kContext, kR1);
    code_.load(BpfWidth::k32, kFrame, kContext, offsetof(xdp_md, data));
    code_.load(BpfWidth::k32, kFrameEnd, kContext, offsetof(xdp_md, data_end));
    code_.move(kR4, kFrame);
    code_.add(kR4, static_cast<std::int32_t>(options_.frame_max));
    code_.jump_if(kFrameEnd, BpfTest::kGreater, kR4, pass_);
    need_octets(kEthernetHeaderSize + kIpv4HeaderSize + kUdpHeaderSize);
    for (std::int16_t at = 0; at < 6; at = static_cast<std::int16_t>(at + 2)) {
      std::uint16_t part = 0;
      std::memcpy(&part, options_.station.data() + at, sizeof part);
      need(BpfWidth::k16, at, part);
    }
    code_.load(BpfWidth::k16, kValue, kFrame, kEtherType);
    code_.jump_if(kValue, BpfTest::kEqual, in_frame(kEtherTypeIpv6), ipv6_);
    code_.jump_unless(kValue, BpfTest::kEqual, in_frame(kEtherTypeIpv4), pass_);
  }

  void write_ipv4() {
    need(BpfWidth::k8, kIp, 0x45);  // no options
    need(BpfWidth::k8, kIpv4Protocol, kProtocolUdp);
    code_.load(BpfWidth::k16, kValue, kFrame, kIpv4Fragment);
    code_.bit_and(kValue, in_frame(0x3fff));  // More Fragments, and the offset
    code_.jump_unless(kValue, BpfTest::kEqual, 0, pass_);
    code_.load(BpfWidth::k32, kValue, kFrame, kIpv4Destination);
    code_.store(BpfWidth::k32, kR10, kKey, kValue);
    code_.store(BpfWidth::k32, kR10, kKey + 4, 0);
    code_.store(BpfWidth::k64, kR10, kKey + 8, 0);
    write_key_end(kIpv4DestinationPort, 4);
    code_.jump(look_up_);
  }

  void write_ipv6() {
    need_octets(kEthernetHeaderSize + kIpv6HeaderSize + kUdpHeaderSize);
    code_.load(BpfWidth::k8, kValue, kFrame, kIp);
    code_.bit_and(kValue, 0xf0);
    code_.jump_unless(kValue, BpfTest::kEqual, 0x60, pass_);
    need(BpfWidth::k8, kIpv6NextHeader, kProtocolUdp);
    for (std::int16_t at = 0; at < 16; at = static_cast<std::int16_t>(at + 8)) {
      code_.load(BpfWidth::k64, kValue, kFrame, static_cast<std::int16_t>(kIpv6Destination + at));
      code_.store(BpfWidth::k64, kR10, static_cast<std::int16_t>(kKey + at), kValue);
    }
    write_key_end(kIpv6DestinationPort, 6);
  }

  void write_key_end(std::int16_t port_offset, std::int32_t family) {
    code_.load(BpfWidth::k16, kValue, kFrame, port_offset);
    code_.store(BpfWidth::k16, kR10, kKeyPort, kValue);
    code_.store(BpfWidth::k16, kR10, kKeyFamily, family);
  }

  // The last argument is what becomes of the frame where the queue has no socket.
  void write_redirect() {
    code_.load_map(kR1, options_.destinations_map);
    code_.move(kR2, kR10);
    code_.add(kR2, kKey);
    code_.call(BPF_FUNC_map_lookup_elem);
    code_.jump_if_null(kR0, pass_);
    code_.load_map(kR1, options_.sockets_map);
    code_.load(BpfWidth::k32, kR2, kContext, offsetof(xdp_md, rx_queue_index));
    code_.move(kR3, XDP_PASS);
    code_.call(BPF_FUNC_redirect_map);
    code_.exit();
  }

  const XdpProgramOptions& options_;
  BpfAssembler code_;
  BpfLabel pass_;
  BpfLabel ipv6_;
  BpfLabel look_up_;
};

}  // namespace

XdpDestination XdpDestination::of(const SocketAddress& address) {
  XdpDestination destination;
  std::ranges::copy(address.ip_bytes(), destination.ip.begin());
  destination.port = htons(address.port);
  destination.family = static_cast<std::uint16_t>(address.family);
  return destination;
}

std::vector<bpf_insn> xdp_program(const XdpProgramOptions& options) {
  return ProgramWriter(options).write();
}

}  // namespace hawser::net
