// two_networks.h: for tests of several paths: a client's network namespace with two interfaces, n0 and n1, and a
// server's, which has one address that both lead to. All of it is gone with the object, or with the process.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

#include "base/address.h"
#include "net/af_xdp/testing_veth.h"

namespace hawser::testing {

class TwoNetworks {
 public:
  static std::string why_not() { return net::Veth::why_not(); }

  TwoNetworks() {
    server.ip("link set lo up");
    server.ip("addr add 10.50.0.1/32 dev lo");
    client.ip("link set lo up");
    for (const std::string n : {"0", "1"}) {
      client.ip("link add n" + n + " type veth peer name s" + n);
      client.ip("link set s" + n + " netns " + server.path());
      client.ip("addr add 10.9." + n + ".1/24 dev n" + n);
      server.ip("addr add 10.9." + n + ".2/24 dev s" + n);
      client.ip("link set n" + n + " up");
      server.ip("link set s" + n + " up");
      // Whoever binds to an interface needs a route there; which of them comes first is the metric's business.
      client.ip("route add default via 10.9." + n + ".2 dev n" + n + " metric 10" + n);
    }
  }

  // Nothing that the client sends over n0 arrives any more, and nothing says so: the next hop has an address of
  // nobody's.
  void silence_first() const { client.ip("neigh replace 10.9.0.2 lladdr 02:00:00:00:00:99 dev n0 nud permanent"); }

  [[nodiscard]] static SocketAddress server_address() { return ipv4_address({10, 50, 0, 1}, 0); }

  net::NameSpace client;
  net::NameSpace server;
};

}  // namespace hawser::testing
