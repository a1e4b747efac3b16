// tcp_cubic.h: "tcp-cubic", a flow as the kernel's TCP sends it by default: CUBIC, but with an ACK for each
// packet, which without pacing (FlowSpec::pacing) is its clock. What controllers are to stand beside.
#pragma once

#include <string_view>

namespace hawser::sim {

inline constexpr std::string_view kTcpCubic = "tcp-cubic";

// Makes the name known, once for the process.
void add_tcp_cubic();

}  // namespace hawser::sim
