// extension_options.h: what connections do beyond the base protocol: the spin bit, receive timestamps, observed
// addresses, forward error correction.
#pragma once

#include <cstdint>

#include "quic/connection/config.h"

namespace CLI {
class App;
}

namespace hawser::app {

// As the command line has them.
struct ExtensionArguments {
  quic::SpinBitPolicy spin_bit = quic::SpinBitPolicy::kOff;
  std::uint64_t receive_timestamps = 0;
  bool observe_addresses = false;
  quic::FecConfig fec;
};

// Adds --spin-bit.
void add_spin_bit_option(CLI::App& command, ExtensionArguments& arguments);
// Adds --receive-timestamps.
void add_receive_timestamps_option(CLI::App& command, ExtensionArguments& arguments);
// Adds --observe-addresses, for servers.
void add_observe_addresses_option(CLI::App& command, ExtensionArguments& arguments);
// Adds --fec.
void add_fec_option(CLI::App& command, ExtensionArguments& arguments);
void apply(const ExtensionArguments& arguments, quic::ConnectionConfig& config);

}  // namespace hawser::app
