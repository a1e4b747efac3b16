// qlog_document.h: the events of a qlog that is one JSON document ("traces"), one after the other in
// bounded memory: the file is walked, never held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hawser::app {

class QlogDocument {
 public:
  // `file` is read from its beginning, twice, and must be able to go back; it is not owned and must
  // outlive the document. `value_max`: octets of one event, and of all that describes a trace.
  QlogDocument(std::FILE* file, std::size_t value_max) : file_(file), value_max_(value_max) {}

  // Finds the trace of this index, from 0, and what describes it. A document that was cut off is good as
  // far as it goes, if it has events.
  std::expected<void, ConfigError> find(std::size_t trace);
  // The text of the next event. False at the end, and where the document was cut off.
  std::expected<bool, ConfigError> next(std::string& event);

  // The document's members but "traces", and the trace's but "events": `"a":1,"b":{}`.
  [[nodiscard]] const std::string& document_members() const { return document_members_; }
  [[nodiscard]] const std::string& trace_members() const { return trace_members_; }
  [[nodiscard]] std::size_t traces() const { return traces_; }

 private:
  enum class Walk : std::uint8_t { kGood, kCut, kTooLong, kWrong };

  int read_past_space();
  Walk walk_mark(char mark);
  Walk walk_value(std::string* out);
  Walk walk_rest_of_text(std::string* out);
  Walk put(std::string* out, int c) const;
  template <class Member>
  Walk walk_object(const Member& member);
  Walk walk_document();
  Walk walk_traces();
  Walk walk_trace(bool wanted);
  Walk keep_member(std::string& members, const std::string& name);
  [[nodiscard]] ConfigError wrong(Walk walk) const;

  std::FILE* file_;
  std::size_t value_max_;
  std::size_t wanted_ = 0;
  std::size_t traces_ = 0;
  long events_at_ = -1;  // the octet behind the bracket of the wanted trace's "events"
  bool is_first_ = true;
  std::string document_members_;
  std::string trace_members_;
};

}  // namespace hawser::app
