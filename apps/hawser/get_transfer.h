// get_transfer.h: one URL on its way into one output: follows the response on the worker's
// thread, and tells main() when it is over.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "get_options.h"
#include "get_output.h"
#include "http/client.h"

namespace hawser::app {

class GetTransfer;

// Transfers that are over, from the worker to main().
class GetInbox {
 public:
  void put(GetTransfer& transfer);
  // The next one; null if there is none within `timeout`.
  GetTransfer* take(Duration timeout);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<GetTransfer*> over_;
};

// How one request went. Filled on the worker's thread, read by main() once it has come
// through the inbox.
struct GetResult {
  int exit_code = kGetOk;
  std::string message;  // empty: nothing to complain about
  std::uint16_t status = 0;
  std::string content_type;
  std::string location;           // of a redirect
  std::uint64_t octets = 0;       // of the body
  std::uint64_t head_octets = 0;  // names and values, as they count uncompressed
  std::optional<Timestamp> first_octet;
  Timestamp end;
};

// `Content-Range: bytes 5-9/20` or `bytes */20`.
struct ContentRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> size;  // of the whole
};
std::optional<ContentRange> parse_content_range(std::string_view value);

class GetTransfer final : public http::ResponseSink {
 public:
  GetTransfer(const GetOptions& options, const GetTarget& target, GetInbox& inbox)
      : options_(options),
        inbox_(inbox),
        url_given(target.url),
        url(target.url),
        method(options.method),
        output(target.output) {}

  // The request to send now, for `url`. Looks at the output's size where it is to be resumed.
  http::ClientRequest request();
  // Forgets the last response, before a redirect is followed.
  void begin_again();

  void on_head(const http3::MessageHead& head, Timestamp now) override;
  std::size_t on_body(std::span<const Bytes> views, Timestamp now) override;
  void on_end(Timestamp now) override;
  void on_failure(const http::ClientFailure& failure, Timestamp now) override;

  // Any thread, for the progress bar. Octets of the whole file, and those that are there.
  [[nodiscard]] std::uint64_t octets_expected() const { return octets_expected_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t octets_here() const { return octets_here_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool follows_redirect(std::uint16_t status) const;
  void on_final_head(const http3::MessageHead& head);
  void check_resumed(const http3::MessageHead& head);
  void print_head(const http3::MessageHead& head);
  bool open_output();
  void finish(Timestamp now);
  // Notes what went wrong first; the rest of the body is dropped.
  void fail(int exit_code, std::string message);

  const GetOptions& options_;
  GetInbox& inbox_;
  std::uint64_t offset_ = 0;  // where the output is continued
  bool drop_body_ = false;    // of a redirect, of an error under -f, after a failure
  std::optional<std::uint64_t> length_;
  std::atomic<std::uint64_t> octets_expected_{0};  // 0: unknown
  std::atomic<std::uint64_t> octets_here_{0};

 public:
  // main()'s, between requests.
  http::Url url_given;
  http::Url url;  // after redirects
  std::string method;
  bool send_body = true;
  bool over = false;          // and reported
  bool cross_origin = false;  // a redirect led elsewhere: no Authorization, no Cookie
  GetOutput output;
  GetResult result;
  Timestamp began;
  Timestamp resolved;
  std::size_t connection = 0;
  std::size_t redirects = 0;
};

}  // namespace hawser::app
