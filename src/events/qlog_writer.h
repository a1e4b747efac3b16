// qlog_writer.h: turns events into qlog, one JSON text sequence (RFC 7464) per connection
// and vantage point, for a sink of octets that a driver provides. Media type
// application/qlog+json-seq, file name ending .sqlog.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "events/event_sink.h"
#include "events/json_writer.h"
#include "events/qlog_names.h"
#include "events/qlog_ring.h"

namespace hawser {

// Which log a piece of text belongs to.
struct ConnectionKey {
  std::uint64_t connection = 0;  // 0: the endpoint's own log
  Vantage vantage = Vantage::kUnknown;
  Bytes original_destination_cid;  // valid during the call; empty for the endpoint's log
};

// One log on its way out; to destroy it is to end it.
class LogOutput {
 public:
  virtual ~LogOutput() = default;
  // Appends octets that are whole records at the end of the call that brought the last of them.
  virtual void write(std::string_view records) = 0;
  // A record ends here: a log that has to be cut is cut at such a place.
  virtual void end_record() {}
};

// Where logs go: files in runtime/qlog_files.h, strings in tests.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // `header` is the first record, with which each part of a log that is cut begins. The output
  // must not outlive the sink. Null: this log cannot be kept.
  virtual std::unique_ptr<LogOutput> open(const ConnectionKey& key, std::string_view header) = 0;
};

// What makes a log in memory worth writing; from then on records are written as they come.
struct QlogTriggers {
  // A loss share says something after so many packets.
  static constexpr std::uint64_t kLossPacketsMin = 100;

  Duration handshake{0};               // the handshake takes longer; 0: never
  std::uint32_t loss_per_million = 0;  // of the packets sent, more were declared lost; 0: never
  bool close = false;                  // the connection ended by an error, a timeout or a reset

  [[nodiscard]] bool any() const { return handshake != Duration{0} || loss_per_million != 0 || close; }
};

struct QlogOptions {
  static constexpr std::uint32_t kAll = 1'000'000;

  EventMask events = kAllEvents & ~event_bit(EventGroup::kTimers);
  QlogNames names = QlogNames::kDraft14;
  // Of a million connections so many are logged. The original Destination Connection ID decides,
  // so that both ends log the same ones.
  std::uint32_t sample_per_million = kAll;
  // Octets of records kept in memory for each connection until a trigger fires; 0: written at once.
  std::size_t ring_octets = 0;
  QlogTriggers triggers;
};

class QlogWriter final : public EventSink {
 public:
  // Logs open at once; a connection that begins past it is not followed, only counted in
  // skipped(). A log costs about 200 octets here without its ring, so this is 13 MB.
  static constexpr std::size_t kOpenLogsMax = 65'536;
  // Packet numbers listed one by one in packets_acked; further ones are only counted. A
  // record with this many numbers of 8 digits is about 9 kB.
  static constexpr std::size_t kPacketNumbersMax = 1'024;

  // `out` is not owned and must outlive the writer.
  explicit QlogWriter(ByteSink& out, QlogOptions options = {});
  ~QlogWriter() override;

  [[nodiscard]] bool follows(const EventContext& context) const override;

#define EVENT(Name, group, qlog, doc) void on_event(const EventContext& context, const Name& event) override;
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

  // Connections that are not logged because kOpenLogsMax logs were open, or the sink failed.
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
  // Logs whose ring was written because a trigger fired.
  [[nodiscard]] std::uint64_t triggered() const { return triggered_; }

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
    bool begun = false;                 // by the first event; until then it only has its place
    Timestamp reference;                // times in the log count from here
    std::unique_ptr<LogOutput> output;  // null while there is a ring, or where the sink gave none
    std::optional<QlogRing> ring;       // until a trigger fires
    std::uint64_t packets_sent = 0;
    std::uint64_t packets_lost = 0;
    bool handshake_complete = false;
    bool http3 = false;  // application errors are those of HTTP/3
  };

  template <class Event>
  void record(const EventContext& context, const Event& event);
  template <class Event>
  void write_record(const Log& log, const EventContext& context, const Event& event);
  void write_gap(const Log& log, const EventContext& context, std::uint64_t dropped);
  template <class Event>
  bool note(Log& log, const EventContext& context, const Event& event) const;
  [[nodiscard]] bool is_chosen(const EventContext& context) const;
  Log* log_of(const EventContext& context);
  void begin(Log& log, const EventContext& context);
  void fire(Log& log, const EventContext& context);
  void write_header(const EventContext& context);
  void write_reference_time(JsonWriter& json);

  ByteSink& out_;
  QlogOptions options_;
  mutable std::unordered_map<LogId, Log, LogIdHash> logs_;  // follows() gives places
  std::string text_;                                        // the record being written
  std::string header_;                                      // of the log being opened
  mutable std::uint64_t skipped_ = 0;                       // follows() refuses, too
  std::uint64_t triggered_ = 0;
};

}  // namespace hawser
