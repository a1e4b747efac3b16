// load_options.cc: reading what h2load's users are used to write.
#include "load_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "get_options.h"
#include "http/early_requests.h"
#include "net/address.h"
#include "quic/congestion/congestion_controller.h"
#include "time_option.h"
#include "whole_file.h"

namespace hawser::load {
namespace {

using http::OwnedFields;

std::unexpected<ConfigError> wrong(std::string message) {
  return std::unexpected(ConfigError{std::move(message)});
}

std::expected<std::string, ConfigError> read_file(std::string_view option, const std::string& name) {
  auto text = app::read_whole_file(name);
  if (!text) return wrong(fmt::format("{} {}", option, text.error().message));
  return text;
}

// One URL a line; blank lines and those that begin with '#' are passed over.
void add_lines(std::vector<std::string>& urls, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#') urls.emplace_back(line);
  }
}

std::expected<std::vector<http::Url>, ConfigError> read_urls(const LoadArguments& given) {
  std::vector<std::string> texts = given.urls;
  if (!given.uri_file.empty()) {
    HAWSER_TRY(const std::string lines, read_file("-i", given.uri_file));
    add_lines(texts, lines);
  }
  if (texts.empty()) return wrong("which URL? hawser load -c 10 -m 100 -D 10 https://HOST/PATH");
  std::vector<http::Url> urls;
  for (const std::string& text : texts) {
    // After the first, a path alone is on the same host.
    HAWSER_TRY(http::Url url, urls.empty() || !text.starts_with('/') ? http::parse_url(text)
                                                                     : http::resolve_reference(urls.front(), text));
    if (url.scheme != "https")
      return wrong(fmt::format("{}: HTTP/3 is for https only; write https://{}", text, url.authority() + url.target));
    if (!urls.empty() && url.host_port() != urls.front().host_port())
      return wrong(
          fmt::format("{} is not on {}: all URLs of a run are on one host; use --connect-to to load another one", text,
                      urls.front().host_port()));
    urls.push_back(std::move(url));
  }
  return urls;
}

std::expected<OwnedFields, ConfigError> read_fields(const LoadArguments& given, std::size_t body_size) {
  OwnedFields fields{{"user-agent", "hawser-load/0.1.0"}};
  if (body_size != 0) fields.emplace_back("content-length", std::to_string(body_size));
  for (const std::string& text : given.headers) {
    HAWSER_TRY(auto header, app::parse_header(text));
    if (header.first == "user-agent" || !header.second)
      std::erase_if(fields, [&](const auto& field) { return field.first == header.first; });
    if (header.second) fields.emplace_back(header.first, *header.second);
  }
  return fields;
}

std::expected<void, ConfigError> encode_heads(LoadOptions& options, const std::vector<http::Url>& urls) {
  const LoadArguments& given = options.arguments;
  const std::string method = !given.method.empty() ? given.method : options.body.empty() ? "GET" : "POST";
  HAWSER_TRY(const OwnedFields fields, read_fields(given, options.body.size()));
  for (const http::Url& url : urls) {
    const std::string authority = url.authority();
    std::vector<http::Field> list{
        {":method", method}, {":scheme", "https"}, {":authority", authority}, {":path", url.target}};
    for (const auto& [name, value] : fields) list.push_back({name, value});
    auto head = http3::EncodedHead::request(list);
    if (!head) return wrong(fmt::format("such a request cannot be sent: {}", head.error().reason));
    if (head->is_connect())
      return wrong("-X CONNECT asks for a tunnel, which is no request to repeat: give another method");
    options.heads.push_back(*std::move(head));
  }
  return {};
}

std::expected<void, ConfigError> read_amount(LoadOptions& options) {
  const LoadArguments& given = options.arguments;
  HAWSER_TRY(options.warm_up, parse_duration(given.warm_up));
  HAWSER_TRY(options.timeout, parse_duration(given.timeout));
  if (options.timeout == Duration{0}) return wrong("--timeout 0: give the time that a request may take, as 10s");
  if (!given.duration.empty()) {
    HAWSER_TRY(options.duration, parse_duration(given.duration));
    if (options.duration == Duration{0}) return wrong("-D 0: give seconds, or leave -D out and say -n REQUESTS");
    if (given.requests != 0) return wrong("-n ends the run after requests, -D after time: leave one of them out");
  } else if (options.warm_up != Duration{0}) {
    return wrong("--warm-up-time needs a run that ends by time: give -D SECONDS instead of -n");
  } else {
    options.requests = given.requests != 0 ? given.requests : kDefaultRequests;
  }
  if (given.rate != 0 && given.rate_per_client != 0)
    return wrong("--rate is for all connections together, --rps for each: leave one of them out");
  if (given.rate < 0 || given.rate_per_client < 0) return wrong("--rate and --rps are requests a second, above 0");
  options.rate = given.rate != 0 ? given.rate : given.rate_per_client * static_cast<double>(given.connections);
  return {};
}

std::expected<void, ConfigError> check_counts(const LoadOptions& options) {
  const LoadArguments& given = options.arguments;
  if (given.connections == 0 || given.streams == 0) return wrong("-c and -m are 1 or more");
  if (given.streams > kUnderWayMax / given.connections)
    return wrong(fmt::format("-c {} times -m {} is more than {} requests under way: give less of one",
                             given.connections, given.streams, kUnderWayMax));
  if (given.common.workers > given.connections)
    return wrong(fmt::format("-t {} threads for -c {} connections: a thread has one at least", given.common.workers,
                             given.connections));
  if (options.requests != 0 && options.requests < given.connections)
    return wrong(fmt::format("-n {} requests for -c {} connections: each sends one at least", options.requests,
                             given.connections));
  if (!quic::make_congestion_controller(given.common.congestion_control, 1'200))
    return wrong(
        fmt::format("--cc {}: give one of {}", given.common.congestion_control, quic::congestion_controller_names()));
  return {};
}

// A recording of them may be sent by anybody, so they are to do no harm (RFC 8470 section 4).
std::expected<void, ConfigError> check_early(const LoadArguments& given) {
  if (!given.early_data) return {};
  if (given.requests_per_connection == 0)
    return wrong("--early-data is for connections that follow others: give --requests-per-connection N too");
  if (!given.data_file.empty() || (!given.method.empty() && !http::is_safe_method(given.method)))
    return wrong("--early-data is for requests that may come twice: GET, HEAD or OPTIONS, without -d");
  return {};
}

std::expected<void, ConfigError> read_connect_to(LoadOptions& options) {
  options.connect_host = options.origin.host;
  options.connect_port = options.origin.port;
  if (options.arguments.connect_to.empty()) return {};
  const auto target = net::parse_host_port(options.arguments.connect_to, options.origin.port);
  if (!target || target->host.empty() || target->port == 0)
    return wrong(fmt::format("--connect-to {}: write HOST or HOST:PORT", options.arguments.connect_to));
  options.connect_host = target->host;
  options.connect_port = target->port;
  return {};
}

}  // namespace

std::expected<Duration, ConfigError> parse_duration(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  const double ns = unit == "ms"                  ? 1e6
                    : unit == "s" || unit.empty() ? 1e9
                    : unit == "m"                 ? 60e9
                    : unit == "h"                 ? 3'600e9
                                                  : 0;
  if (error != std::errc{} || ns == 0 || !(value >= 0 && value * ns <= app::kSecondsMax * 1e9))
    return wrong(fmt::format("\"{}\" is no time: write seconds, or a number with ms, s, m or h", text));
  return Duration{static_cast<std::int64_t>(value * ns)};
}

std::expected<LoadOptions, ConfigError> read_load_options(LoadArguments arguments) {
  LoadOptions options;
  options.arguments = std::move(arguments);
  HAWSER_TRY(const std::vector<http::Url> urls, read_urls(options.arguments));
  options.origin = urls.front();
  if (!options.arguments.data_file.empty()) {
    HAWSER_TRY(const std::string data, read_file("-d", options.arguments.data_file));
    options.body.assign(data.begin(), data.end());
  }
  HAWSER_TRY_VOID(read_amount(options));
  HAWSER_TRY_VOID(check_counts(options));
  HAWSER_TRY_VOID(check_early(options.arguments));
  HAWSER_TRY_VOID(read_connect_to(options));
  HAWSER_TRY_VOID(encode_heads(options, urls));
  return options;
}

}  // namespace hawser::load
