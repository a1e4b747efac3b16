// http3_client.h: an HTTP/3 client (RFC 9114): one connection to one server, any number of
// requests at a time.
//
//   auto runtime = hawser::Runtime::create();
//   auto client = hawser::http3::Client::connect(**runtime, {.authority = "example.net"});
//   auto response = (*client)->get("/").wait();
//
// Every function may be called from any thread but those of the Runtime; wait() blocks the
// caller only. Nothing here calls back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hawser/error.h"
#include "hawser/paths.h"
#include "hawser/runtime.h"
#include "hawser/transport.h"

namespace hawser::http3 {

using Headers = std::vector<std::pair<std::string, std::string>>;  // lower-case names

struct ClientOptions {
  std::string authority;                                   // "host" or "host:port", port 443 if absent
  std::string connect_to;                                  // "address:port" to use instead of resolving the authority
  bool verify = true;                                      // check the server's certificate
  std::string ca_file;                                     // PEM; trusted besides the system's
  unsigned connect_timeout_ms = 10'000;                    // for all addresses together; 0: ten seconds for each
  std::size_t response_body_max = std::size_t{256} << 20;  // octets; larger: kTooLarge
  std::string congestion_control = "cubic";                // of docs/congestion.md, or one of the program's own
  std::string qlog_folder;                                 // empty: no qlog
  TransportOptions transport;
  std::optional<PathOptions> paths;  // several networks at once; without: the one that the system's routes choose
};

struct Request {
  std::string method = "GET";
  std::string path = "/";  // with the query, percent-encoded
  Headers headers;
  std::string body;  // sent if not empty
};

struct Response {
  unsigned status = 0;
  Headers headers;
  std::string body;
};

// A response on its way. Movable; dropping it does not cancel the request.
class PendingResponse {
 public:
  class State;
  explicit PendingResponse(std::shared_ptr<State> state);
  PendingResponse(PendingResponse&&) noexcept;
  PendingResponse& operator=(PendingResponse&&) noexcept;
  ~PendingResponse();

  // Blocks until the response is whole or cannot become so, however long the server takes: as long as one is
  // outstanding the connection is kept alive. Call once.
  std::expected<Response, hawser::Error> wait();
  [[nodiscard]] bool ready() const;

 private:
  std::shared_ptr<State> state_;
};

class Client {
 public:
  // Resolves and begins to connect; a failure to connect shows in the responses. Errors:
  // kOptions, kResolve. `runtime` must outlive the client.
  static std::expected<std::unique_ptr<Client>, hawser::Error> connect(Runtime& runtime, const ClientOptions& options);
  // Closes the connection; responses under way end with an error.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Of the connection, which some response has come on; nothing before it came about. Blocks the caller shortly.
  [[nodiscard]] std::optional<ConnectionInfo> connection_info() const;

  // Of the connection. Belongs to this client.
  [[nodiscard]] Paths& paths();

  PendingResponse get(std::string path, Headers headers = {});
  PendingResponse send(Request request);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser::http3
