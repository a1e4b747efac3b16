// qlog_writer.h: turns events into qlog, one JSON text sequence (RFC 7464) per connection
// and vantage point, for a sink of octets that a driver provides. Media type
// application/qlog+json-seq, file name ending .sqlog.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "events/event_sink.h"
#include "events/json_writer.h"
#include "events/qlog_names.h"

namespace hawser {

// Which log a piece of text belongs to.
struct ConnectionKey {
  std::uint64_t connection = 0;  // 0: the endpoint's own log
  Vantage vantage = Vantage::kUnknown;
  Bytes original_destination_cid;  // valid during the call; empty for the endpoint's log
};

// Where logs go: files in runtime/qlog_files.h, strings in tests.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Appends whole records to one log.
  virtual void write(const ConnectionKey& key, std::string_view records) = 0;
  // No more records will follow for this log.
  virtual void finish(const ConnectionKey& key) = 0;
};

struct QlogOptions {
  EventMask events = kAllEvents & ~event_bit(EventGroup::kTimers);
  QlogNames names = QlogNames::kDraft14;
};

class QlogWriter final : public EventSink {
 public:
  // Logs open at once; a connection that begins past it is not logged, only counted in
  // skipped(). A log costs about 64 octets here, so this is 4 MiB.
  static constexpr std::size_t kOpenLogsMax = 65'536;
  // Packet numbers listed one by one in packets_acked; further ones are only counted. A
  // record with this many numbers of 8 digits is about 9 kB.
  static constexpr std::size_t kPacketNumbersMax = 1'024;

  // `out` is not owned and must outlive the writer.
  explicit QlogWriter(ByteSink& out, QlogOptions options = {});
  ~QlogWriter() override;

#define EVENT(Name, group, qlog, doc) void on_event(const EventContext& context, const Name& event) override;
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

  // Connections that were not logged because kOpenLogsMax logs were open.
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  struct LogId {
    std::uint64_t connection;
    Vantage vantage;
    bool operator==(const LogId&) const = default;
  };
  struct LogIdHash {
    std::size_t operator()(const LogId& id) const {
      return static_cast<std::size_t>((id.connection * 4 + static_cast<std::uint64_t>(id.vantage)) *
                                      0x9e3779b97f4a7c15u);
    }
  };
  struct Log {
    Timestamp reference;  // times in the log count from here
    std::string cid;      // the original Destination Connection ID, as octets
  };

  template <class Event>
  void record(const EventContext& context, const Event& event);
  Log* log_of(const EventContext& context);
  void write_header(const EventContext& context);
  void write_reference_time(JsonWriter& json);
  void forget(const EventContext& context);

  ByteSink& out_;
  QlogOptions options_;
  std::unordered_map<LogId, Log, LogIdHash> logs_;
  std::string text_;  // the record being written
  std::uint64_t skipped_ = 0;
};

}  // namespace hawser
