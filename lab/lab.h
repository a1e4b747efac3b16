// lab.h: two hosts on one machine: network namespaces "NAME-client" and "NAME-server" joined
// by emulated links, which carry packets as long as the Lab object lives.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lane.h"
#include "link_options.h"

namespace hawser::lab {

enum class Host { kClient, kServer };

// Link i has 10.77.i.0/24 and fd77:i::/64; the client is host 1 there and the server host 2.
std::string address_of(Host host, std::size_t link);
std::string address6_of(Host host, std::size_t link);

// "NAME-client" or "NAME-server".
std::string namespace_of(std::string_view lab, Host host);

// Why this process cannot build a lab here, or an empty string when it can.
std::string why_unavailable();

// Moves the calling thread into a namespace; throws std::runtime_error.
void enter_namespace(const std::string& name);

// Environment of programs that run in a lab: HAWSER_LAB, HAWSER_LAB_CLIENT, HAWSER_LAB_SERVER
// (with suffix 6 for IPv6, and with suffix _i for link i).
std::vector<std::pair<std::string, std::string>> environment_of(std::string_view lab, std::size_t links);

class Lab {
 public:
  // Builds namespaces, devices, addresses and routes; throws std::runtime_error and leaves
  // nothing behind when it cannot, as where a lab of that name is there already, which stays. Needs root. Links without
  // a name become link0, link1 ... The same seed loses the same packets of the same traffic.
  Lab(std::string name, std::vector<LinkOptions> links, std::uint64_t seed);
  ~Lab();
  Lab(const Lab&) = delete;

  const std::string& name() const { return name_; }
  std::size_t link_count() const { return links_.size(); }

  // From any thread. `words` as in apply_words(), or "rebind". An unknown link or word throws
  // std::invalid_argument.
  void change(std::string_view link, std::string_view words);

  // Counters of all links, one line for each direction.
  std::string report() const;

 private:
  struct Link {
    LinkOptions options;
    int client_device = -1;
    int server_device = -1;
    Nat nat;
    std::unique_ptr<Lane> to_server;
    std::unique_ptr<Lane> to_client;
  };

  void build(std::uint64_t seed);
  void add_link(std::size_t index, std::uint64_t seed);
  void set_up_device(Host host, std::size_t index) const;
  void tear_down();

  std::string name_;
  std::vector<std::string> namespaces_;  // those this object made, and therefore removes
  std::vector<std::unique_ptr<Link>> links_;
  mutable std::mutex mutex_;  // guards the links' options
};

// The namespaces of a lab whose process was killed: nobody holds them. False if there are none; throws
// std::runtime_error.
bool remove_leftovers(const std::string& name);

}  // namespace hawser::lab
