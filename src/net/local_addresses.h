// local_addresses.h: the addresses of this machine, and whether anything can leave from them: asked
// of the kernel by netlink, and asked again when it says that something changed.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "net/netlink.h"

namespace hawser::net {

struct LocalAddress {
  SocketAddress address;  // port 0
  std::uint32_t interface = 0;
  bool ready = false;  // not tentative, nor found to be somebody else's
};

struct NetworkInterface {
  std::uint32_t index = 0;
  std::string name;
  bool running = false;  // up, with a carrier
  std::string kind;      // of virtual devices, as `ip -d link` shows it: "veth", "bridge", "wireguard"
};

// What there is at one time. Copied freely between threads.
struct LocalNetworks {
  std::vector<NetworkInterface> interfaces;
  std::vector<LocalAddress> addresses;

  // Datagrams may leave from this address, whatever its port.
  [[nodiscard]] bool usable(const SocketAddress& address) const;
};

// One thread at a time.
class LocalAddresses {
 public:
  // The error is the kernel's: no netlink in this sandbox.
  static std::expected<LocalAddresses, ConfigError> open();

  // Readable when something changed: links, addresses or routes.
  [[nodiscard]] int fd() const { return changes_.fd(); }
  // Reads what has changed since. True if anything had.
  bool refresh();
  [[nodiscard]] const LocalNetworks& networks() const { return networks_; }

 private:
  LocalAddresses(NetlinkSocket changes, NetlinkSocket questions)
      : changes_(std::move(changes)), questions_(std::move(questions)) {}
  void ask();

  NetlinkSocket changes_;
  NetlinkSocket questions_;
  LocalNetworks networks_;
};

// For tests: what the kernel's messages of these kinds say; nothing for those that say nothing of use.
std::optional<NetworkInterface> read_interface(const NetlinkMessage& message);
std::optional<LocalAddress> read_address(const NetlinkMessage& message);

}  // namespace hawser::net
