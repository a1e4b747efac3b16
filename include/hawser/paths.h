// paths.h: several networks at once in one connection (draft-ietf-quic-multipath-21), where the server offers it too.
//
//   hawser::PathOptions paths{.interfaces = {{.name = "wlan0"}, {.name = "wwan0", .cost = 1}}};
//   auto client = hawser::http3::Client::connect(**runtime, {.authority = "example.net", .paths = paths});
//   for (const hawser::PathInfo& path : (*client)->paths().list()) ...
//   (*client)->paths().set_scheduler("blest");
//
// A path is opened over each interface that is up, given up when its address goes, and opened again when it comes
// back. docs/multipath.md says what the system has to have for that.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "hawser/error.h"

namespace hawser {

namespace runtime {
class PathControl;  // the machinery behind this face
}

struct PathInterface {
  std::string name;     // as `ip link` shows it
  unsigned weight = 1;  // 1 to 1,000: its share beside the others', for the scheduler "weighted"
  unsigned cost = 0;    // 0 to 1,000: a backup while one that costs less is up; metered links cost more than 0
  bool backup = false;  // standby: carries data only while no other path works
};

// What several paths are for.
enum class PathUse : unsigned char {
  kAggregate,  // all carry data
  kFailover,   // the first that works does; the others wait
  kRedundant,  // all carry the same octets of what this end sends: the scheduler "redundant", whatever `scheduler` says
};

struct PathOptions {
  // In order of preference: the connection begins over the first that is up and, where that has not answered after
  // 100 ms (250 ms before one that costs more or is a backup), over the next as well, and so on; the one whose
  // handshake is complete first is kept (RFC 8305). One that stands here twice gets two paths; 8 at most. Empty: every
  // interface with a route to the server, but the loopback's and tunnels.
  std::vector<PathInterface> interfaces;
  PathUse use = PathUse::kAggregate;
  // What chooses the path of each packet that this end sends: one of path_scheduler_names().
  std::string scheduler = "min-rtt";
  // Paths at a time, those that are being given up among them: 2 to 8; 0: one more than interfaces.
  unsigned max_paths = 0;
  // Whose code points to speak: of draft-ietf-quic-multipath-21, or 17 for servers of its drafts 14 to 17.
  unsigned draft = 21;
};

enum class PathState : unsigned char {
  kProbing,   // opened, or heard of again: nobody has answered there yet
  kActive,    // carries data
  kStandby,   // works, and waits until it is needed
  kDegraded,  // misses answers
  kFailed,    // nothing gets through; it is asked ever more rarely whether it is back
};
std::string to_string(PathState state);

// A path as of the call. Plain values: owned by whoever got them.
struct PathInfo {
  std::uint64_t id = 0;  // Path ID; never used again in this connection
  PathState state = PathState::kProbing;
  bool backup = false;                // either end wants it so
  std::string interface;              // empty: its address is gone, or the client was made without PathOptions
  std::string local_address;          // "192.0.2.1:443" or "[2001:db8::1]:443"
  std::string remote_address;         // the same
  std::uint64_t smoothed_rtt_us = 0;  // 0: no sample yet
  std::uint64_t min_rtt_us = 0;
  std::uint64_t congestion_window = 0;  // octets
  std::uint64_t octets_in_flight = 0;
  std::uint64_t octets_sent = 0;  // of UDP payload, since it was opened
  std::uint64_t octets_received = 0;
  std::uint64_t packets_lost = 0;
  double sent_bps = 0;  // bits a second since the call before; 0 in the first one
  double received_bps = 0;
};

// The paths of one connection. Belongs to its client. Every function may be called from any thread but those of the
// Runtime, one at a time, and blocks the caller shortly.
class Paths {
 public:
  // By Path ID; of a connection without the extension, the one there is. Empty: it has not come about, or has ended.
  std::vector<PathInfo> list();

  // Opens a path over an interface more, or changes weight, cost and backup of one in use. Errors: kOptions, also where
  // PathOptions::interfaces was empty or the client made without any; the path itself comes about, or does not, later.
  std::expected<void, Error> use(const PathInterface& interface);
  // Gives the paths over an interface up, once another one works. Errors: kOptions, also for the last one.
  std::expected<void, Error> drop(const std::string& interface);

  // Another scheduler, from the next packet on. Error: kOptions; kConnect: there is no connection.
  std::expected<void, Error> set_scheduler(const std::string& name);
  // The same for what one flow of datagrams sends; an empty name gives it back to the connection's scheduler. 64 flows
  // at most.
  std::expected<void, Error> set_datagram_scheduler(std::uint64_t flow, const std::string& name);
  // Another congestion controller (docs/congestion.md) on every path, at once; it is told the window that the one
  // before came to. Error: kOptions: there is none of that name; kConnect: there is no connection.
  std::expected<void, Error> set_congestion_control(const std::string& name);
  // Its name. Empty: there is no connection.
  std::string congestion_control();
  // The connection's scheduler. Empty: there is no connection.
  std::string scheduler();
  // Why it gave its work to "min-rtt", as a sentence; empty: it did not.
  std::string scheduler_failure();

  explicit Paths(std::unique_ptr<runtime::PathControl> control);
  ~Paths();
  Paths(const Paths&) = delete;
  Paths& operator=(const Paths&) = delete;

 private:
  struct Seen;  // what the last list() counted
  std::unique_ptr<runtime::PathControl> control_;
  std::unique_ptr<Seen> seen_;
};

}  // namespace hawser
