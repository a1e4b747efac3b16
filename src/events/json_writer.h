// json_writer.h: writes compact JSON into a string that keeps its capacity. It sets commas
// itself; the caller keeps begin and end in balance and gives a key before each member.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace hawser {

class JsonWriter {
 public:
  // Appends to `out`, which must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  // Names the member whose value follows. `name` is a literal that needs no escaping.
  void key(std::string_view name) {
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    after_value_ = false;
  }

  // Any octets: what is not UTF-8 becomes U+FFFD, so the output always is.
  void text(std::string_view value);
  void hex(Bytes value);
  void number(std::uint64_t value) {
    separate();
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
    after_value_ = true;
  }
  void boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
    after_value_ = true;
  }
  // A TupleID is text; the tuple of the handshake has the empty one.
  void tuple_id(std::uint64_t id) {
    separate();
    out_ += '"';
    after_value_ = false;
    if (id != 0) number(id);
    out_ += '"';
    after_value_ = true;
  }
  // A duration as decimal milliseconds, exact to the nanosecond.
  void milliseconds(Duration value);

 private:
  void separate() {
    if (after_value_) out_ += ',';
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    after_value_ = false;
  }
  void close(char bracket) {
    out_ += bracket;
    after_value_ = true;
  }

  std::string& out_;
  bool after_value_ = false;
};

}  // namespace hawser
