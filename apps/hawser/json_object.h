// json_object.h: one JSON object, filled member by member, for the reports of commands.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace hawser::app {

class JsonObject {
 public:
  // `value` needs no escaping: a name or a URL.
  void text(std::string_view key, std::string_view value) { add(key, fmt::format("\"{}\"", value)); }
  void count(std::string_view key, std::uint64_t value) { add(key, fmt::format("{}", value)); }
  void number(std::string_view key, double value) { add(key, fmt::format("{:.6g}", value)); }
  // `json`: a value of any kind, as it is to stand there.
  void value(std::string_view key, const std::string& json) { add(key, json); }
  [[nodiscard]] std::string object() const { return "{" + members_ + "}"; }
  // The object and a line feed.
  [[nodiscard]] std::string done() const { return object() + "\n"; }

 private:
  void add(std::string_view key, const std::string& value) {
    if (!members_.empty()) members_ += ", ";
    members_ += fmt::format("\"{}\": {}", key, value);
  }
  std::string members_;
};

}  // namespace hawser::app
