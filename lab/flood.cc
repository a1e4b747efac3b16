// flood.cc: hawser-flood: an attacker for the lab. Sends what costs a server most, at a given rate,
// from as many ports and loopback addresses as asked for, or inside connections with the keys of
// honest handshakes. Aim it at servers of your own only; docs/security.md says what it showed.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>

#include "flood_inside.h"
#include "flood_options.h"
#include "flood_outside.h"

namespace hawser::flood {
namespace {

int main_of(int argc, char** argv) {
  CLI::App app{"hawser-flood: attacks a server of your own, to see what it stands"};
  Options options;
  app.add_option("kind", options.kind,
                 "initial (handshakes begun), retry (the same, behind a Retry), junk (first packets that do not open), "
                 "version, reset (packets of no connection); inside connections: ping, path-challenge, retire-cid, "
                 "crypto-empty, stream-empty, max-data, reset-stream, ack-unsent, ack-old, octets (an octet of data a "
                 "packet, nothing acknowledged), slow-read (requests whose answers nobody reads), slow-write (requests "
                 "that do not end), hoard (data behind a gap)")
      ->required();
  app.add_option("rate", options.rate, "packets a second")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--target", options.target, "IPv4 address of the server")->capture_default_str();
  app.add_option("--port", options.port, "its port")->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--sources", options.sources, "addresses 127.77.x.y to send from, on loopback")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--ports", options.ports, "source ports in all")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--spoofed", options.spoofed, "each packet from another address of 127.0.0.0/8, on loopback");
  app.add_option("--path", options.path, "what slow-read asks for")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (!is_inside_kind(options.kind) && !is_outside_kind(options.kind))
    throw std::runtime_error("no such kind: " + options.kind + "; see --help");
  const Outcome outcome = is_inside_kind(options.kind) ? flood_inside(options) : flood_outside(options);
  const std::uint64_t packets = outcome.packets + outcome.packets_after_end;
  std::printf(
      "%s: %llu packets, %.0f a second, %llu of them to connections that had been ended, %llu connections\n",
      options.kind.c_str(), static_cast<unsigned long long>(packets), static_cast<double>(packets) / options.seconds,
      static_cast<unsigned long long>(outcome.packets_after_end), static_cast<unsigned long long>(outcome.connections));
  return 0;
}

}  // namespace
}  // namespace hawser::flood

int main(int argc, char** argv) try { return hawser::flood::main_of(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "hawser-flood: %s\n", error.what());
  return 1;
}
