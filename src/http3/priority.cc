// priority.cc: a reader for dictionaries of structured fields (RFC 8941 section 4.2.2) that keeps
// "u" and "i" and steps over everything else.
#include "http3/priority.h"

#include <cstdint>

namespace hawser::http3 {

namespace {

constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
constexpr bool is_key_start(char c) {
  return is_lower(c) || c == '*';
}
constexpr bool is_key_char(char c) {
  return is_key_start(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
constexpr bool is_base64(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
}
constexpr bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}

// What a member's value is, as far as a priority cares.
struct Item {
  enum class Kind : std::uint8_t { kOther, kInteger, kBoolean } kind = Kind::kOther;
  std::int64_t integer = 0;
  bool boolean = false;
};

class DictionaryReader {
 public:
  explicit DictionaryReader(std::string_view text) : in_(text) {}

  [[nodiscard]] bool done() const { return in_.empty(); }
  [[nodiscard]] bool at(char c) const { return !in_.empty() && in_.front() == c; }
  bool take(char c) {
    if (!at(c)) return false;
    in_.remove_prefix(1);
    return true;
  }
  void spaces(bool tabs) {
    while (at(' ') || (tabs && at('\t'))) in_.remove_prefix(1);
  }

  bool key(std::string_view& key) {
    if (in_.empty() || !is_key_start(in_.front())) return false;
    key = take_while(is_key_char);
    return true;
  }

  // An item or an inner list, with its parameters.
  bool member_value(Item& item) {
    if (!take('(')) return bare_item(item) && parameters();
    item = {};
    for (;;) {
      spaces(false);
      if (take(')')) return parameters();
      Item inner;
      if (!bare_item(inner) || !parameters()) return false;
      if (!at(' ') && !at(')')) return false;
    }
  }

  bool parameters() {
    while (take(';')) {
      spaces(false);
      std::string_view name;
      Item ignored;
      if (!key(name)) return false;
      if (take('=') && !bare_item(ignored)) return false;
    }
    return true;
  }

 private:
  template <class Predicate>
  std::string_view take_while(Predicate predicate) {
    std::size_t size = 0;
    while (size < in_.size() && predicate(in_[size])) ++size;
    const std::string_view taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

  bool bare_item(Item& item) {
    item = {};
    if (in_.empty()) return false;
    const char first = in_.front();
    if (first == '-' || is_digit(first)) return numeric(item);
    if (first == '"') return string();
    if (first == ':') return byte_sequence();
    if (first == '?') return boolean(item);
    if (first != '*' && !is_alpha(first)) return false;
    take_while(is_token_char);
    return true;
  }

  // RFC 8941 section 4.2.4: 15 digits at most, or 12 and 3 with a point between.
  bool numeric(Item& item) {
    const bool negative = take('-');
    const std::string_view whole = take_while(is_digit);
    if (whole.empty() || whole.size() > 15) return false;
    if (take('.')) {
      const std::string_view fraction = take_while(is_digit);
      return whole.size() <= 12 && !fraction.empty() && fraction.size() <= 3;
    }
    for (const char c : whole) item.integer = item.integer * 10 + (c - '0');
    if (negative) item.integer = -item.integer;
    item.kind = Item::Kind::kInteger;
    return true;
  }

  bool string() {
    take('"');
    while (!in_.empty()) {
      const char c = in_.front();
      in_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\') {
        if (!at('"') && !at('\\')) return false;
        in_.remove_prefix(1);
      } else if (c < 0x20 || c == 0x7f) {
        return false;
      }
    }
    return false;
  }

  bool byte_sequence() {
    take(':');
    take_while(is_base64);
    return take(':');
  }

  bool boolean(Item& item) {
    take('?');
    item.kind = Item::Kind::kBoolean;
    item.boolean = at('1');
    return take('1') || take('0');
  }

  std::string_view in_;
};

void apply(std::string_view key, const Item& item, Priority& priority) {
  if (key == "u" && item.kind == Item::Kind::kInteger && item.integer >= 0 && item.integer <= kUrgencyMax) {
    priority.urgency = static_cast<std::uint8_t>(item.integer);
  }
  if (key == "i" && item.kind == Item::Kind::kBoolean) priority.incremental = item.boolean;
}

}  // namespace

// rfc9218:4-ignored rfc9218:4-default
bool parse_priority(std::string_view text, Priority& priority) {
  DictionaryReader in(text);
  Priority read;
  in.spaces(false);
  while (!in.done()) {
    std::string_view key;
    Item item{Item::Kind::kBoolean, 0, true};  // what a key without a value means
    if (!in.key(key)) return false;
    if (in.take('=') ? !in.member_value(item) : !in.parameters()) return false;
    apply(key, item, read);
    in.spaces(true);
    if (in.done()) break;
    if (!in.take(',')) return false;
    in.spaces(true);
    if (in.done()) return false;
  }
  priority = read;
  return true;
}

std::string_view format_priority(Priority priority, char* out) {
  char* at = out;
  if (priority.urgency != Priority{}.urgency) {
    *at++ = 'u';
    *at++ = '=';
    *at++ = static_cast<char>('0' + priority.urgency);
  }
  if (priority.incremental) {
    if (at != out) {
      *at++ = ',';
      *at++ = ' ';
    }
    *at++ = 'i';
  }
  return {out, static_cast<std::size_t>(at - out)};
}

}  // namespace hawser::http3
