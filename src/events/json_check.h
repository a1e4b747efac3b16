// json_check.h: a strict JSON reader for tests (RFC 8259): says whether a text is exactly one
// JSON value, and finds members by path.
#pragma once

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hawser::testing {

// Reads a text into flat pairs: {"a":{"b":[1,"x"]}} gives ("a.b.0", "1") and ("a.b.1",
// "\"x\""). Strings keep their quotes and are unescaped; \u escapes below 0x80 only.
class JsonCheck {
 public:
  explicit JsonCheck(std::string_view text) : in_(text) { valid_ = value("") && (skip_space(), at_ == in_.size()); }
  [[nodiscard]] bool valid() const { return valid_; }
  // The scalar at `path` as written above, or "" if there is none.
  [[nodiscard]] std::string at(std::string_view path) const {
    for (const auto& [name, scalar] : scalars_)
      if (name == path) return scalar;
    return "";
  }
  [[nodiscard]] bool has(std::string_view path) const { return !at(path).empty(); }
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }

 private:
  void skip_space() {
    while (at_ < in_.size() && (in_[at_] == ' ' || in_[at_] == '\n' || in_[at_] == '\r' || in_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= in_.size() || in_[at_] != c) return false;
    ++at_;
    return true;
  }
  static std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string{name} : path + "." + std::string{name};
  }

  bool value(const std::string& path) {
    skip_space();
    if (at_ >= in_.size() || ++depth_ > 32) return false;
    const char c = in_[at_];
    const bool ok = c == '{' ? object(path) : c == '[' ? array(path) : scalar(path);
    --depth_;
    return ok;
  }
  bool object(const std::string& path) {
    ++at_;
    if (take('}')) return true;
    std::vector<std::string> seen;
    do {
      skip_space();
      std::string name;
      if (!string(name) || !take(':')) return false;
      name = name.substr(1, name.size() - 2);
      for (const std::string& other : seen)
        if (other == name) return false;  // qlog has no use for repeated members
      seen.push_back(name);
      keys_.push_back(name);
      if (!value(join(path, name))) return false;
    } while (take(','));
    return take('}');
  }
  bool array(const std::string& path) {
    ++at_;
    if (take(']')) return true;
    std::size_t i = 0;
    do {
      if (!value(join(path, std::to_string(i++)))) return false;
    } while (take(','));
    return take(']');
  }
  bool scalar(const std::string& path) {
    std::string text;
    if (in_[at_] == '"') {
      if (!string(text)) return false;
    } else if (!literal(text) && !number(text)) {
      return false;
    }
    scalars_.emplace_back(path, text);
    return true;
  }
  bool literal(std::string& out) {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!in_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      out = word;
      return true;
    }
    return false;
  }
  bool digits() {
    const std::size_t start = at_;
    while (at_ < in_.size() && std::isdigit(static_cast<unsigned char>(in_[at_]))) ++at_;
    return at_ > start;
  }
  bool number(std::string& out) {
    const std::size_t start = at_;
    if (at_ < in_.size() && in_[at_] == '-') ++at_;
    const std::size_t first = at_;
    if (!digits() || (in_[first] == '0' && at_ - first > 1)) return false;
    if (at_ < in_.size() && in_[at_] == '.') {
      ++at_;
      if (!digits()) return false;
    }
    out = in_.substr(start, at_ - start);
    return true;
  }
  bool string(std::string& out) {
    if (at_ >= in_.size() || in_[at_] != '"') return false;
    out = '"';
    for (++at_; at_ < in_.size() && in_[at_] != '"'; ++at_) {
      const auto c = static_cast<unsigned char>(in_[at_]);
      if (c < 0x20) return false;
      if (c == '\\' && !escape(out)) return false;
      if (c != '\\') out += in_[at_];
    }
    if (at_ >= in_.size()) return false;
    ++at_;
    out += '"';
    return true;
  }
  bool escape(std::string& out) {
    if (++at_ >= in_.size()) return false;
    switch (in_[at_]) {
      case '"':
        out += '"';
        return true;
      case '\\':
        out += '\\';
        return true;
      case '/':
        out += '/';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'u':
        break;
      default:
        return false;
    }
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) {
      if (++at_ >= in_.size() || !std::isxdigit(static_cast<unsigned char>(in_[at_]))) return false;
      code = code * 16 + static_cast<unsigned>(std::stoi(std::string{in_[at_]}, nullptr, 16));
    }
    if (code < 0x80) out += static_cast<char>(code);
    return true;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool valid_ = false;
  std::vector<std::pair<std::string, std::string>> scalars_;
  std::vector<std::string> keys_;
};

}  // namespace hawser::testing
