// get_transfer.cc: heads, bodies and ends, as the client reports them.
#include "get_transfer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "say.h"

namespace hawser::app {
namespace {

int exit_code_of(http::ClientFailure::Kind kind) {
  using Kind = http::ClientFailure::Kind;
  switch (kind) {
    case Kind::kConnect:
      return kGetConnect;
    case Kind::kTimeout:
      return kGetTimeout;
    case Kind::kCertificate:
      return kGetCertificate;
    case Kind::kTls:
      return kGetTls;
    case Kind::kRequest:
      return kGetSend;
    case Kind::kReset:
    case Kind::kClosed:
      return kGetReceive;
    case Kind::kMalformed:
      return kGetHttp3;
  }
  return kGetReceive;
}

bool read_number(std::string_view text, std::optional<std::uint64_t>& out) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  out = value;
  return true;
}

}  // namespace

void GetInbox::put(GetTransfer& transfer) {
  const std::lock_guard lock(mutex_);
  over_.push_back(&transfer);
  arrived_.notify_one();
}

GetTransfer* GetInbox::take(Duration timeout) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, timeout, [this] { return !over_.empty(); })) return nullptr;
  GetTransfer* const transfer = over_.front();
  over_.erase(over_.begin());
  return transfer;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view kUnit = "bytes ";
  if (!value.starts_with(kUnit)) return std::nullopt;
  value.remove_prefix(kUnit.size());
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  ContentRange out;
  const std::string_view size = value.substr(slash + 1);
  if (size != "*" && !read_number(size, out.size)) return std::nullopt;
  const std::string_view range = value.substr(0, slash);
  if (range == "*") return out;
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || !read_number(range.substr(0, dash), out.first)) return std::nullopt;
  return out;
}

http::ClientRequest GetTransfer::request() {
  http::ClientRequest request{.method = method,
                              .scheme = url.scheme,
                              .authority = url.authority(),
                              .target = url.target,
                              .fields = options_.fields,
                              .body = std::nullopt,
                              .sink = this};
  if (options_.resume_from_file) {
    struct stat status{};
    offset_ = stat(output.name().c_str(), &status) == 0 && S_ISREG(status.st_mode)
                  ? static_cast<std::uint64_t>(status.st_size)
                  : 0;
  } else {
    offset_ = options_.resume_offset.value_or(0);
  }
  if (offset_ > 0) request.fields.emplace_back("range", fmt::format("bytes={}-", offset_));
  if (options_.body && send_body) {
    request.body = SharedBytes::copy(*options_.body);
  } else {
    std::erase_if(request.fields,
                  [](const auto& field) { return field.first == "content-length" || field.first == "content-type"; });
  }
  if (cross_origin)
    std::erase_if(request.fields,
                  [](const auto& field) { return field.first == "authorization" || field.first == "cookie"; });
  if (options_.arguments.verbose) {
    std::string text = fmt::format("> {} {} HTTP/{}\n> host: {}\n", method, url.target,
                                   options_.arguments.hq ? "0.9" : "3", url.authority());
    for (const auto& [name, value] : request.fields) text += fmt::format("> {}: {}\n", name, value);
    say("{}", text);
  }
  return request;
}

void GetTransfer::begin_again() {
  result = GetResult{};
  drop_body_ = false;
  length_.reset();
  octets_expected_ = 0;
  octets_here_ = 0;
}

bool GetTransfer::follows_redirect(std::uint16_t status) const {
  return options_.arguments.location &&
         (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

void GetTransfer::fail(int exit_code, std::string message) {
  drop_body_ = true;
  if (result.exit_code != kGetOk) return;
  result.exit_code = exit_code;
  result.message = std::move(message);
}

void GetTransfer::print_head(const http3::MessageHead& head) {
  std::string text = fmt::format("HTTP/3 {}\r\n", head.status);
  for (const http::Field& field : head.fields) text += fmt::format("{}: {}\r\n", field.name, field.value);
  text += "\r\n";
  if (options_.arguments.verbose) {
    std::string shown = fmt::format("< HTTP/3 {}\n", head.status);
    for (const http::Field& field : head.fields) shown += fmt::format("< {}: {}\n", field.name, field.value);
    say("{}", shown);
  }
  if (!options_.arguments.head && !options_.arguments.include_head) return;
  if (!open_output()) return;
  if (const auto written = output.write_text(text); !written) fail(kGetWrite, written.error());
}

void GetTransfer::on_head(const http3::MessageHead& head, Timestamp now) {
  if (!result.first_octet) result.first_octet = now;
  for (const http::Field& field : head.fields) result.head_octets += field.name.size() + field.value.size();
  print_head(head);
  if (head.kind == http3::MessageKind::kResponse) on_final_head(head);
}

void GetTransfer::on_final_head(const http3::MessageHead& head) {
  result.status = head.status;
  result.content_type = head.find("content-type").value_or("");
  if (head.status >= 300 && head.status < 400) result.location = head.find("location").value_or("");
  length_ = method == "HEAD" ? std::nullopt : head.content_length;
  if (follows_redirect(head.status) && !result.location.empty()) {
    drop_body_ = true;
    return;
  }
  if (options_.arguments.fail && head.status >= 400) {
    return fail(kGetHttpError, fmt::format("{} answered {}", url.to_string(), head.status));
  }
  if (offset_ > 0) check_resumed(head);
  if (length_ && !drop_body_) octets_expected_ = *length_ + offset_;
  octets_here_ = offset_;
}

// A file is only continued by what follows it.
void GetTransfer::check_resumed(const http3::MessageHead& head) {
  const auto range = parse_content_range(head.find("content-range").value_or(""));
  if (head.status == 206 && range && range->first == offset_) return;
  if (head.status == 416 && range && range->size == offset_) {
    // Nothing is missing.
    drop_body_ = true;
    return;
  }
  if (head.status >= 400 && head.status != 416) {
    // The page that explains the error must not be appended to the file.
    return fail(kGetHttpError,
                fmt::format("{} answered {}: nothing was added to {}", url.to_string(), head.status, output.name()));
  }
  fail(kGetRange,
       fmt::format("the server does not continue at octet {} (it answered {}): leave -C out to fetch all of it",
                   offset_, head.status));
}

bool GetTransfer::open_output() {
  if (output.is_open()) return true;
  const auto opened = output.open(offset_);
  if (!opened) fail(kGetWrite, opened.error());
  return opened.has_value();
}

std::size_t GetTransfer::on_body(std::span<const Bytes> views, Timestamp now) {
  if (!result.first_octet) result.first_octet = now;
  if (drop_body_ || !open_output()) return kNoMore;
  const auto written = output.write(views);
  if (!written) {
    fail(kGetWrite, written.error());
    return kNoMore;
  }
  result.octets += *written;
  octets_here_.fetch_add(*written, std::memory_order_relaxed);
  return *written;
}

void GetTransfer::finish(Timestamp now) {
  result.end = now;
  inbox_.put(*this);
}

void GetTransfer::on_end(Timestamp now) {
  // An empty body makes an empty file.
  if (!drop_body_ && offset_ == 0 && open_output()) {
  }
  const bool following = follows_redirect(result.status) && !result.location.empty();
  if (!following) {
    if (const auto closed = output.close(); !closed) fail(kGetWrite, closed.error());
  }
  finish(now);
}

void GetTransfer::on_failure(const http::ClientFailure& failure, Timestamp now) {
  (void)output.close();
  const bool partial = length_ && result.octets > 0 && result.octets < *length_;
  const bool cut =
      failure.kind == http::ClientFailure::Kind::kReset || failure.kind == http::ClientFailure::Kind::kClosed;
  if (partial && cut) {
    fail(kGetPartial, fmt::format("{} of {} octets came, then: {}", result.octets, *length_, failure.message));
  } else {
    fail(exit_code_of(failure.kind), failure.message);
  }
  finish(now);
}

}  // namespace hawser::app
