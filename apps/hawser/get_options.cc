// get_options.cc: reading what curl's users are used to write.
#include "get_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>

#include "http3/message.h"
#include "net/address.h"
#include "quic/congestion/congestion_controller.h"
#include "whole_file.h"

namespace hawser::app {
namespace {

std::unexpected<GetError> wrong(std::string message, int code = kGetUsage) {
  return std::unexpected(GetError{code, std::move(message)});
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The file's octets; "-" is standard input.
std::expected<std::string, GetError> read_file(const std::string& name) {
  if (name == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto text = read_whole_file(name);
  if (!text) return wrong("cannot read " + text.error().message, kGetRead);
  return *std::move(text);
}

// -d leaves line ends of a file out, --data-binary keeps them; several are joined by '&'.
std::expected<void, GetError> add_data(GetOptions& options, const std::string& text, bool binary) {
  std::string data = text;
  if (text.starts_with('@')) {
    HAWSER_TRY(data, read_file(text.substr(1)));
    if (!binary) std::erase_if(data, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  }
  if (!options.body) {
    options.body.emplace();
  } else {
    options.body->push_back('&');
  }
  options.body->insert(options.body->end(), data.begin(), data.end());
  return {};
}

void set_field(http::OwnedFields& fields, const std::string& name, const std::optional<std::string>& value) {
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  if (value) fields.emplace_back(name, *value);
}

std::expected<void, GetError> read_fields(GetOptions& options) {
  const GetArguments& given = options.arguments;
  options.fields.emplace_back("user-agent", given.user_agent);
  options.fields.emplace_back("accept", "*/*");
  if (!given.range.empty()) options.fields.emplace_back("range", "bytes=" + given.range);
  if (options.body) {
    options.fields.emplace_back("content-type", "application/x-www-form-urlencoded");
    options.fields.emplace_back("content-length", std::to_string(options.body->size()));
  }
  std::vector<std::string> replaced;
  for (const std::string& text : given.headers) {
    auto header = parse_header(text);
    if (!header) return wrong(header.error().message);
    // The first one given replaces a default, further ones of that name are added.
    const bool first = std::ranges::find(replaced, header->first) == replaced.end();
    replaced.push_back(header->first);
    if (first) {
      set_field(options.fields, header->first, header->second);
    } else if (header->second) {
      options.fields.emplace_back(header->first, *header->second);
    }
  }
  return {};
}

// Devices and pipes take several bodies, a file has one.
bool is_file(const std::string& output) {
  std::error_code none;
  return output != "-" && (!std::filesystem::exists(output, none) || std::filesystem::is_regular_file(output, none));
}

std::expected<void, GetError> check_outputs(const std::vector<GetTarget>& targets) {
  std::map<std::filesystem::path, std::string> taken;
  for (const GetTarget& target : targets) {
    if (!is_file(target.output)) continue;
    const std::string url = target.url.authority() + target.url.target;
    const auto [first, added] = taken.try_emplace(std::filesystem::path(target.output).lexically_normal(), url);
    if (!added)
      return wrong(
          fmt::format("{} and {} would both go to {}: give one -o FILE for each", first->second, url, target.output));
  }
  return {};
}

std::expected<void, GetError> read_targets(GetOptions& options) {
  const GetArguments& given = options.arguments;
  if (given.urls.empty()) return wrong("which URL? hawser get https://HOST/PATH");
  if (given.outputs.size() > given.urls.size()) return wrong("more -o than URLs: give one -o FILE for each URL");
  for (std::size_t i = 0; i < given.urls.size(); ++i) {
    auto url = http::parse_url(given.urls[i]);
    if (!url) return wrong(url.error().message, kGetUrl);
    // rfc9114:3.1.2-other-schemes
    if (url->scheme != "https")
      return wrong(
          fmt::format("{}: HTTP/3 is for https only; write https://{}", given.urls[i], url->authority() + url->target),
          kGetProtocol);
    GetTarget target{.url = *std::move(url), .output = "-"};
    if (i < given.outputs.size()) {
      target.output = given.outputs[i];
    } else if (given.remote_names) {
      target.output = target.url.file_name();
      if (target.output.empty() || target.output == "." || target.output == ".." ||
          target.output.find('/') != std::string::npos) {
        return wrong(fmt::format("-O: {} has no file name at its end; give -o FILE", given.urls[i]), kGetWrite);
      }
    }
    if (!given.output_folder.empty() && target.output != "-" && !target.output.starts_with('/')) {
      target.output = given.output_folder + "/" + target.output;
    }
    options.targets.push_back(std::move(target));
  }
  return check_outputs(options.targets);
}

std::expected<void, GetError> read_cipher(GetOptions& options) {
  const std::string name = lower_case(options.arguments.tls_cipher);
  if (name.empty()) return {};
  if (name == "aes128" || name == "tls_aes_128_gcm_sha256") {
    options.cipher_suites = {quic::CipherSuite::kAes128GcmSha256};
  } else if (name == "aes256" || name == "tls_aes_256_gcm_sha384") {
    options.cipher_suites = {quic::CipherSuite::kAes256GcmSha384};
  } else if (name == "chacha20" || name == "tls_chacha20_poly1305_sha256") {
    options.cipher_suites = {quic::CipherSuite::kChaCha20Poly1305Sha256};
  } else {
    return wrong(fmt::format("--tls-cipher {}: give aes128, aes256 or chacha20", options.arguments.tls_cipher));
  }
  return {};
}

std::expected<void, GetError> read_resume(GetOptions& options) {
  const std::string& text = options.arguments.continue_at;
  if (text.empty()) return {};
  if (!options.arguments.range.empty()) return wrong("-C and -r both ask for a range: leave one of them out");
  if (text == "-") {
    options.resume_from_file = true;
    const bool to_stdout =
        std::ranges::any_of(options.targets, [](const GetTarget& target) { return target.output == "-"; });
    return to_stdout ? std::expected<void, GetError>(wrong("-C - needs a file to go on with: give -o FILE or -O"))
                     : std::expected<void, GetError>{};
  }
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || end != text.data() + text.size())
    return wrong(fmt::format("-C {}: give - or a number of octets", text));
  options.resume_offset = offset;
  return {};
}

std::expected<void, GetError> check_rest(const GetOptions& options) {
  const GetArguments& given = options.arguments;
  if (given.head && options.body) return wrong("-I asks for the head only, -d sends a body: leave one of them out");
  if (given.ipv4 && given.ipv6) return wrong("-4 and -6 exclude each other: leave one of them out");
  if (given.certificate.empty() != given.key.empty() && given.certificate.empty())
    return wrong("--key needs its certificate: give --cert FILE too");
  if (!quic::make_congestion_controller(given.congestion_control, 1'200)) {
    return wrong(fmt::format("--cc {}: give one of {}", given.congestion_control, quic::congestion_controller_names()));
  }
  if (given.early_data && given.session_file.empty())
    return wrong("--early-data needs the session of an earlier visit: give --session-file FILE too");
  if (given.careful_resume.lifetime_s > 0 && given.session_file.empty())
    return wrong("--careful-resume needs what an earlier visit left: give --session-file FILE too");
  if (given.hq && (options.method != "GET" || options.body))
    return wrong("--hq (HTTP/0.9) knows GET only: leave -I, -X and -d out");
  return {};
}

}  // namespace

std::expected<std::pair<std::string, std::optional<std::string>>, ConfigError> parse_header(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return std::unexpected(ConfigError{fmt::format("-H \"{}\": {}", text, why)});
  };
  const std::size_t end = text.find_first_of(":;");
  if (end == std::string_view::npos) return bad("write \"Name: value\"");
  const std::string name = lower_case(text.substr(0, end));
  const std::string_view value = trim(text.substr(end + 1));
  if (!http3::is_field_name(name)) return bad("the name has a character that no field name has");
  if (name == "host") return bad("write the host into the URL, and its address into --resolve");
  if (!http3::is_field_value(value)) return bad("the value has a control character");
  if (text[end] == ';')
    return value.empty() ? std::expected<std::pair<std::string, std::optional<std::string>>, ConfigError>(
                               std::pair{name, std::optional<std::string>("")})
                         : bad("after the ';' comes nothing");
  return std::pair{name, value.empty() ? std::nullopt : std::optional<std::string>(value)};
}

std::expected<PinnedName, ConfigError> parse_pinned_name(std::string_view text) {
  const auto bad = [&] {
    return std::unexpected(ConfigError{fmt::format("--resolve {}: write HOST:PORT:ADDRESS", text)});
  };
  const std::size_t host_end = text.starts_with('[') ? text.find("]:") + 1 : text.find(':');
  if (host_end == std::string_view::npos || host_end == 0) return bad();
  const std::size_t port_end = text.find(':', host_end + 1);
  if (port_end == std::string_view::npos) return bad();
  PinnedName pinned{.host = lower_case(text.substr(0, host_end)), .port = 0, .addresses = {}};
  if (pinned.host.starts_with('[')) pinned.host = pinned.host.substr(1, pinned.host.size() - 2);
  const std::string_view port = text.substr(host_end + 1, port_end - host_end - 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), pinned.port);
  if (error != std::errc{} || end != port.data() + port.size() || pinned.port == 0) return bad();
  std::string_view list = text.substr(port_end + 1);
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    if (item.starts_with('[') && item.ends_with(']')) item = item.substr(1, item.size() - 2);
    SocketAddress address = net::parse_ip(item);
    if (address.family == AddressFamily::kNone) return bad();
    address.port = pinned.port;
    pinned.addresses.push_back(address);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  if (pinned.addresses.empty()) return bad();
  return pinned;
}

std::expected<GetOptions, GetError> read_get_options(GetArguments arguments) {
  GetOptions options;
  options.arguments = std::move(arguments);
  const GetArguments& given = options.arguments;
  HAWSER_TRY_VOID(read_targets(options));
  for (const std::string& text : given.data) HAWSER_TRY_VOID(add_data(options, text, false));
  for (const std::string& text : given.binary) HAWSER_TRY_VOID(add_data(options, text, true));
  options.method = !given.method.empty() ? given.method : given.head ? "HEAD" : options.body ? "POST" : "GET";
  HAWSER_TRY_VOID(read_fields(options));
  for (const std::string& text : given.pinned) {
    auto pinned = parse_pinned_name(text);
    if (!pinned) return wrong(pinned.error().message);
    options.pinned.push_back(*std::move(pinned));
  }
  HAWSER_TRY_VOID(read_cipher(options));
  HAWSER_TRY_VOID(read_resume(options));
  HAWSER_TRY_VOID(check_rest(options));
  return options;
}

}  // namespace hawser::app
