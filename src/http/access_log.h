// access_log.h: one line per request in the combined log format with the duration behind it,
// gathered per worker and written in large pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/time.h"

namespace hawser::http {

// One request that is over. Views live as long as the call.
struct AccessLogEntry {
  SocketAddress peer;
  std::string_view method;
  std::string_view target;
  std::string_view protocol;      // "HTTP/3", "HTTP/0.9"
  std::uint16_t status = 0;       // 0: none was sent
  std::uint64_t body_octets = 0;  // given to the transport
  std::string_view referer;
  std::string_view user_agent;
  Duration duration{0};  // from the request's head to the last acknowledged octet
};

// 192.0.2.7 - - [21/Nov/2026:10:55:01 +0000] "GET / HTTP/3" 200 512 "-" "curl/8.5" 0.012
// Times are UTC. Quotes, backslashes and control characters of a client appear as \xHH, so
// that it can forge no line. What neighbouring lines share is put into words once.
class AccessLine {
 public:
  void append(std::string& out, const AccessLogEntry& entry, std::int64_t wall_clock_s);

 private:
  SocketAddress peer_;
  std::string host_;  // of peer_
  std::int64_t second_ = -1;
  std::string time_;  // of second_
};

// One per worker. Several may write to the same file: each write is of whole lines.
class AccessLog {
 public:
  // A line waits at most this long.
  static constexpr Duration kFlushInterval = 200ms;
  // Octets gathered before they are written regardless of time: about 500 lines.
  static constexpr std::size_t kBufferMax = 64 * 1'024;

  // Writes to `fd`, which stays the caller's and should be open for appending.
  explicit AccessLog(int fd) : fd_(fd) {}
  ~AccessLog() { flush(); }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void append(const AccessLogEntry& entry, Timestamp now);
  void on_timeout(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_timeout() const { return flush_at_; }
  // Lines that cannot be written, on a full disk or a closed pipe, are lost.
  void flush();

 private:
  int fd_;
  AccessLine line_;
  std::string buffer_;
  std::optional<Timestamp> flush_at_;
};

}  // namespace hawser::http
