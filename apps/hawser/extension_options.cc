// extension_options.cc: --spin-bit, --receive-timestamps, --observe-addresses and --fec.
#include "extension_options.h"

#include <CLI/CLI.hpp>
#include <string>

#include "quic/recovery/receive_times.h"

namespace hawser::app {

void add_spin_bit_option(CLI::App& command, ExtensionArguments& arguments) {
  const auto read = [&arguments](const std::string& text) {
    if (text == "off") {
      arguments.spin_bit = quic::SpinBitPolicy::kOff;
    } else if (text == "on") {
      arguments.spin_bit = quic::SpinBitPolicy::kOn;
    } else if (text == "random") {
      arguments.spin_bit = quic::SpinBitPolicy::kRandom;
    } else {
      throw CLI::ValidationError("--spin-bit", "give off, on or random");
    }
  };
  command
      .add_option_function<std::string>(
          "--spin-bit", read,
          "What the spin bit shows to the networks on the way: off (nothing), on (the round trip, if the\n"
          "other side has it on too, on seven connections of eight), random (a value for each connection)")
      ->type_name("HOW")
      ->default_str("off");
}

void add_receive_timestamps_option(CLI::App& command, ExtensionArguments& arguments) {
  command
      .add_option("--receive-timestamps", arguments.receive_timestamps,
                  "Ask the other side when packets arrive, for so many of each acknowledgement, and tell it\n"
                  "the same; both sides need the option")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{quic::ReceiveTimes::kMax}))
      ->default_str("0, off");
}

void add_observe_addresses_option(CLI::App& command, ExtensionArguments& arguments) {
  command.add_flag("--observe-addresses", arguments.observe_addresses,
                   "Tell clients that ask from which address their packets come (hawser get -v does); not for\n"
                   "servers that see addresses of a load balancer");
}

void add_fec_option(CLI::App& command, ExtensionArguments& arguments) {
  const auto read = [&arguments](const std::string& text) {
    const auto config = quic::parse_fec_config(text);
    if (!config) throw CLI::ValidationError("--fec", config.error().message);
    arguments.fec = *config;
  };
  command
      .add_option_function<std::string>(
          "--fec", read,
          "Send repair symbols, so that lost packets need not be sent again; both sides need the option, each for\n"
          "what it sends: off, xor, rs (Reed-Solomon; as many as the measured loss asks for), rs:16/4 (4 after every\n"
          "16 packets), xor:8 (one after every 8), rs:5-30% (within these bounds); @2 behind it: only for what has\n"
          "urgency 2 or a more urgent one")
      ->type_name("HOW")
      ->default_str("off");
}

void apply(const ExtensionArguments& arguments, quic::ConnectionConfig& config) {
  config.spin_bit = arguments.spin_bit;
  config.receive_timestamps = arguments.receive_timestamps;
  config.fec = arguments.fec;
  if (arguments.observe_addresses) config.address_discovery = quic::AddressDiscovery::kProvide;
}

}  // namespace hawser::app
