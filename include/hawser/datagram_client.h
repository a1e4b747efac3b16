// datagram_client.h: a client of a protocol over QUIC datagrams (RFC 9221): speech, telemetry, game state,
// whatever is worth nothing when it is late.
//
//   auto runtime = hawser::Runtime::create();
//   auto client = hawser::DatagramClient::connect(**runtime, {.server = "example.net:4433", .alpn = "game/1"});
//   (*client)->set_flow(1, {.urgency = 1, .lifetime_us = 40'000, .reports = true});
//   (*client)->send(octets, {.flow = 1, .id = 17});
//   auto answer = (*client)->receive(100);
//
// Datagrams are encrypted and subject to congestion control; they are neither ordered nor sent again.
// docs/datagrams.md says how they queue. Every function may be called from any thread but those of the
// Runtime; nothing here calls back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hawser/error.h"
#include "hawser/paths.h"
#include "hawser/runtime.h"

namespace hawser {

struct DatagramClientOptions {
  std::string server;                        // "host:port", "[v6]:port"
  std::string alpn;                          // the application protocol, 1 to 255 octets; not empty
  std::string connect_to;                    // "address:port" to use instead of resolving `server`
  bool verify = true;                        // check the server's certificate
  std::string ca_file;                       // PEM; trusted besides the system's
  unsigned connect_timeout_ms = 10'000;      // 1 and more
  std::string congestion_control = "cubic";  // docs/congestion.md has the others, or one of the program's own
  std::string qlog_folder;                   // empty: no qlog
  std::optional<PathOptions> paths;          // several networks at once
  // Forward error correction, if the server speaks it: "xor:8", "rs", "rs@2", "rs@asked", ... as docs/fec.md has them.
  std::string fec = "off";
  // Datagrams kept for receive(), at least 1; when there are more the oldest goes.
  std::size_t receive_max = 1'024;
};

// What gives way in a full queue: the flow's oldest, the one that comes, or the oldest of the least urgent flow.
enum class DatagramDrop : unsigned char { kOldest, kNewest, kLowestPriority };

// Whether forward error correction protects a flow (docs/fec.md): as DatagramClientOptions::fec says of its urgency,
// in any case, or not.
enum class DatagramProtection : unsigned char { kByUrgency, kAlways, kNever };

// How the datagrams of a flow wait to be sent. Flow 0 is there from the beginning, with these values.
struct DatagramFlow {
  unsigned urgency = 3;           // 0 (most urgent) to 7 (RFC 9218 section 4.1); larger ones count as 7
  std::uint64_t lifetime_us = 0;  // microseconds; what waits longer is dropped unsent. 0: as long as it takes
  DatagramDrop drop = DatagramDrop::kOldest;
  std::size_t queue_max = 256;                            // datagrams that wait, at least 1
  std::size_t queue_octets_max = std::size_t{512} << 10;  // of their payloads; one may always wait
  bool reports = false;                                   // tell in reports() what becomes of each
  // Repair symbols for its datagrams, where DatagramClientOptions::fec has some at all.
  DatagramProtection protection = DatagramProtection::kByUrgency;
  // They may arrive more than once, since whoever takes them knows them by a number (hawser/datagram_order.h). Where
  // the scheduler of paths is `redundant` each goes on all of them then. Copies have no reports.
  bool copies = false;
};

struct SendOptions {
  std::uint64_t flow = 0;  // any number for which set_flow() was called, or 0
  std::uint64_t id = 0;    // the caller's name for it in reports; need not be unique
};

// What became of a datagram. kAcknowledged may follow kLost, if the loss was declared too early. kRefused: it
// was not taken: too large, no room (DatagramDrop::kNewest), or no such flow.
enum class DatagramFate : unsigned char { kSent, kAcknowledged, kLost, kExpired, kDropped, kRefused };

struct DatagramReport {
  std::uint64_t flow = 0;
  std::uint64_t id = 0;
  DatagramFate fate = DatagramFate::kSent;
};

// Counters since the connection began; octets are of payloads.
struct DatagramCounters {
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;
  std::uint64_t expired = 0;
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;
  std::uint64_t received = 0;
  std::uint64_t octets_sent = 0;
  std::uint64_t octets_received = 0;
  std::uint64_t smoothed_rtt_us = 0;
  std::uint64_t packets_protected = 0;  // that this end sent,
  std::uint64_t repairs_sent = 0;       // and the repair symbols for them, a packet each
  std::uint64_t packets_recovered = 0;  // that were lost on their way to this end
};

class DatagramClient {
 public:
  // Reports that are kept for reports(); the oldest go first.
  static constexpr std::size_t kReportsMax = 65'536;
  // Datagrams that send() took and the runtime's thread has not yet.
  static constexpr std::size_t kUntakenMax = 4'096;

  // Resolves, connects and waits until the handshake is complete. Errors: kOptions; kResolve; kConnect, also if
  // the server takes no datagrams; kTimeout; kCertificate. `runtime` must outlive the client.
  static std::expected<std::unique_ptr<DatagramClient>, Error> connect(Runtime& runtime,
                                                                       const DatagramClientOptions& options);
  // Closes the connection; what waits is dropped.
  ~DatagramClient();
  DatagramClient(const DatagramClient&) = delete;
  DatagramClient& operator=(const DatagramClient&) = delete;

  // All three take effect in the order of the calls. False: kUntakenMax of them wait for the runtime's thread, or
  // the connection has ended.
  //
  // Makes a flow or changes one; at most 4,096 of them, beyond which nothing happens.
  bool set_flow(std::uint64_t flow, const DatagramFlow& options);
  // Drops what waits in it and forgets it; flow 0 becomes what it was at the beginning.
  bool close_flow(std::uint64_t flow);
  // Copies `payload`, of at most max_payload() octets; false if it has more. That size shrinks when the path's MTU
  // does (RFC 9221 section 5): what became too large in the meantime is kRefused.
  bool send(std::span<const std::uint8_t> payload, const SendOptions& options = {});
  // Octets; 0: the connection has ended.
  [[nodiscard]] std::size_t max_payload() const;

  // The next one that came, waiting for it up to `timeout_ms` milliseconds. Nothing: none came, or the
  // connection has ended.
  std::optional<std::vector<std::uint8_t>> receive(unsigned timeout_ms);
  // What became of datagrams since the last call, in the order in which it happened.
  std::vector<DatagramReport> reports();
  [[nodiscard]] DatagramCounters counters() const;
  // Of the connection. Belongs to this client.
  [[nodiscard]] Paths& paths();
  // Why the connection ended; nothing while it stands.
  [[nodiscard]] std::optional<Error> ended() const;

 private:
  struct Impl;
  explicit DatagramClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser
