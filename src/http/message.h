// message.h: a request, a response and its body as values, whatever version of HTTP carries
// them: who answers requests (static_files.h, and others beside it) sees no transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "http/kept_response.h"
#include "http3/qpack/field.h"

namespace hawser::http {

using http3::Field;
using http3::FieldList;

// A request's head. The views live as long as the call that hands it over.
struct Request {
  std::string_view method;  // case matters
  std::string_view scheme;
  std::string_view authority;
  std::string_view target;  // path and query, percent-encoded as it came
  FieldList fields;         // lower-case names, no pseudo-header fields
  // It came in 0-RTT data, here or at a proxy before us, and may be a recording (RFC 8470). `fields`
  // has early-data: 1 then, for who passes the request on.
  bool early = false;
  // When it came; not known to a transport that cannot send a KeptResponse.
  WallClock clock{};

  // The value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    for (const Field& field : fields)
      if (field.name == name) return field.value;
    return std::nullopt;
  }
};

struct BodyChunk {
  SharedBytes bytes;
  bool last = false;  // nothing follows; `bytes` may be empty then, and only then
};

// A response's body, drawn by the transport when it has room.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next octets: `wished` of them or fewer, where that suits the source. Nothing: the rest
  // cannot be had (a file that shrank), so the response has to be aborted. Not called again
  // after the last chunk or a failure.
  virtual std::optional<BodyChunk> next(std::size_t wished) = 0;
};

// Text or octets in memory.
class MemoryBody final : public BodySource {
 public:
  explicit MemoryBody(SharedBytes bytes) : bytes_(std::move(bytes)) {}
  std::optional<BodyChunk> next(std::size_t) override { return BodyChunk{std::move(bytes_), true}; }

 private:
  SharedBytes bytes_;
};

// Fields that own their text.
using OwnedFields = std::vector<std::pair<std::string, std::string>>;

struct Response {
  std::uint16_t status = 200;
  OwnedFields fields;                // lower-case names
  std::unique_ptr<BodySource> body;  // null: none
  // Instead of fields and body, whose owner keeps it at least until its next answer. Only for
  // requests that say what time it is.
  KeptResponse* kept = nullptr;
};

// Answers requests whose answer is known at once. Called on the thread that drives the
// connection; one handler serves one worker.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual Response answer(const Request& request) = 0;
  // Bodies that were not sent yet hold so much memory that who does not read should go.
  [[nodiscard]] virtual bool is_short_of_memory() const { return false; }
};

// The standard words for a status code, "Not Found"; "Unknown" for codes without any.
std::string_view reason_phrase(std::uint16_t status);

// rfc9114:4.1.1-status
// A short text/html page that names the status and says `detail`; for errors and redirects.
Response error_page(std::uint16_t status, std::string_view detail = {});

}  // namespace hawser::http
