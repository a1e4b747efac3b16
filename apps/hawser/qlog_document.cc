// qlog_document.cc: a walk over JSON that looks only at its brackets, its texts and the names of the members
// on the way to traces[N].events; what an event's text holds, its reader's parser judges.
#include "qlog_document.h"

#include <utility>

namespace hawser::app {
namespace {

bool is_space(int c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
bool ends_a_word(int c) {
  return c == EOF || c == ',' || c == ']' || c == '}' || is_space(c);
}

}  // namespace

int QlogDocument::read_past_space() {
  int c = getc_unlocked(file_);
  while (is_space(c)) c = getc_unlocked(file_);
  return c;
}

QlogDocument::Walk QlogDocument::walk_mark(char mark) {
  const int c = read_past_space();
  if (c == EOF) return Walk::kCut;
  return c == mark ? Walk::kGood : Walk::kWrong;
}

QlogDocument::Walk QlogDocument::put(std::string* out, int c) const {
  if (out == nullptr) return Walk::kGood;
  if (out->size() >= value_max_) return Walk::kTooLong;
  // A record is a line: space between tokens is the only place of a newline in JSON.
  *out += c == '\n' || c == '\r' ? ' ' : static_cast<char>(c);
  return Walk::kGood;
}

QlogDocument::Walk QlogDocument::walk_rest_of_text(std::string* out) {
  bool is_escaped = false;
  for (;;) {
    const int c = getc_unlocked(file_);
    if (c == EOF) return Walk::kCut;
    if (const Walk walk = put(out, c); walk != Walk::kGood) return walk;
    if (!is_escaped && c == '"') return Walk::kGood;
    is_escaped = !is_escaped && c == '\\';
  }
}

// Any value, copied to `out` if there is one.
QlogDocument::Walk QlogDocument::walk_value(std::string* out) {
  std::uint64_t depth = 0;
  int c = read_past_space();
  for (;; c = getc_unlocked(file_)) {
    if (c == EOF) return Walk::kCut;
    if (const Walk walk = put(out, c); walk != Walk::kGood) return walk;
    if (c == '"') {
      if (const Walk walk = walk_rest_of_text(out); walk != Walk::kGood) return walk;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return Walk::kWrong;
      --depth;
    } else if (depth == 0) {
      if (ends_a_word(c)) return Walk::kWrong;
      while (!ends_a_word(c = getc_unlocked(file_)))
        if (const Walk walk = put(out, c); walk != Walk::kGood) return walk;
      (void)ungetc(c, file_);
    }
    if (depth == 0) return Walk::kGood;
  }
}

// The members of an object, whose value `member(name)` walks; the opening brace has been read.
template <class Member>
QlogDocument::Walk QlogDocument::walk_object(const Member& member) {
  std::string name;
  for (bool is_first = true;; is_first = false) {
    int c = read_past_space();
    if (c == '}') return Walk::kGood;
    if (!is_first && c == ',') c = read_past_space();
    if (c == EOF) return Walk::kCut;
    if (c != '"') return Walk::kWrong;
    name = '"';
    if (const Walk walk = walk_rest_of_text(&name); walk != Walk::kGood) return walk;
    if (const Walk walk = walk_mark(':'); walk != Walk::kGood) return walk;
    if (const Walk walk = member(name); walk != Walk::kGood) return walk;
  }
}

QlogDocument::Walk QlogDocument::keep_member(std::string& members, const std::string& name) {
  std::string value;
  if (const Walk walk = walk_value(&value); walk != Walk::kGood) return walk;
  if (members.size() + name.size() + value.size() + 2 > value_max_) return Walk::kTooLong;
  if (!members.empty()) members += ',';
  members += name;
  members += ':';
  members += value;
  return Walk::kGood;
}

QlogDocument::Walk QlogDocument::walk_trace(bool wanted) {
  return walk_object([this, wanted](const std::string& name) {
    if (!wanted) return walk_value(nullptr);
    if (name != "\"events\"" || events_at_ >= 0) return keep_member(trace_members_, name);
    if (const Walk walk = walk_mark('['); walk != Walk::kGood) return walk;
    events_at_ = std::ftell(file_);
    if (events_at_ < 1 || std::fseek(file_, events_at_ - 1, SEEK_SET) != 0) return Walk::kWrong;
    return walk_value(nullptr);
  });
}

QlogDocument::Walk QlogDocument::walk_traces() {
  if (const Walk walk = walk_mark('['); walk != Walk::kGood) return walk;
  for (;;) {
    int c = read_past_space();
    if (c == ']') return Walk::kGood;
    if (traces_ > 0 && c == ',') c = read_past_space();
    if (c == EOF) return Walk::kCut;
    if (c != '{') return Walk::kWrong;
    if (const Walk walk = walk_trace(traces_++ == wanted_); walk != Walk::kGood) return walk;
  }
}

QlogDocument::Walk QlogDocument::walk_document() {
  if (const Walk walk = walk_mark('{'); walk != Walk::kGood) return walk;
  bool has_traces = false;
  return walk_object([this, &has_traces](const std::string& name) {
    if (name == "\"traces\"" && !std::exchange(has_traces, true)) return walk_traces();
    return keep_member(document_members_, name);
  });
}

ConfigError QlogDocument::wrong(Walk walk) const {
  if (walk == Walk::kTooLong) return {"an event, or what describes a trace, has more than 16 MiB"};
  return {"this is no qlog document: octet " + std::to_string(std::ftell(file_)) + " is not what JSON has there"};
}

std::expected<void, ConfigError> QlogDocument::find(std::size_t trace) {
  wanted_ = trace;
  if (std::fseek(file_, 0, SEEK_SET) != 0)
    return std::unexpected(ConfigError{"a qlog document is read twice: give a file, not a pipe"});
  const Walk walk = walk_document();
  if (walk == Walk::kWrong || walk == Walk::kTooLong) return std::unexpected(wrong(walk));
  if (traces_ == 0) return std::unexpected(ConfigError{"this is no qlog: it has neither a \"trace\" nor \"traces\""});
  if (trace >= traces_)
    return std::unexpected(ConfigError{"there are " + std::to_string(traces_) + " traces, counted from 0"});
  if (events_at_ < 0) return std::unexpected(ConfigError{"the trace has no \"events\""});
  if (std::fseek(file_, events_at_, SEEK_SET) != 0)
    return std::unexpected(ConfigError{"the file cannot be read twice"});
  return {};
}

std::expected<bool, ConfigError> QlogDocument::next(std::string& event) {
  event.clear();
  int c = read_past_space();
  if (c == ']' || c == EOF) return false;
  if (!std::exchange(is_first_, false)) {
    if (c != ',') return std::unexpected(wrong(Walk::kWrong));
  } else {
    (void)ungetc(c, file_);
  }
  const Walk walk = walk_value(&event);
  if (walk == Walk::kCut) return false;
  if (walk != Walk::kGood) return std::unexpected(wrong(walk));
  return true;
}

}  // namespace hawser::app
