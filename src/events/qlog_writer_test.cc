// Goal: a connection has a log from its beginning or none, and each that has none is counted once.
// Method: a writer over sinks that count what they are asked for.
#include "events/qlog_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "events/counters.h"
#include "events/event_sink.h"
#include "events/tee.h"

namespace hawser {
namespace {

constexpr std::array<std::uint8_t, 4> kCid{0xde, 0xad, 0xbe, 0xef};

EventContext client_context(Duration now = 1ms, std::uint64_t connection = 1) {
  return {
      .connection = connection, .original_destination_cid = kCid, .now = Timestamp{now}, .vantage = Vantage::kClient};
}

TEST(qlog, logs_past_the_limit_are_skipped_and_counted) {
  class Null final : public ByteSink {
    class Nothing final : public LogOutput {
      void write(std::string_view) override {}
    };

   public:
    std::unique_ptr<LogOutput> open(const ConnectionKey&, std::string_view) override {
      ++opened;
      return std::make_unique<Nothing>();
    }
    int opened = 0;
  } null;
  QlogWriter writer(null);
  for (std::uint64_t i = 1; i <= QlogWriter::kOpenLogsMax; ++i)
    EventEmitter(&writer, client_context(1ms, i)).emit(PacketLost{});
  EXPECT_EQ(writer.skipped(), 0u);
  const EventEmitter further(&writer, client_context(1ms, QlogWriter::kOpenLogsMax + 1));
  further.emit(PacketLost{});
  further.emit(PacketLost{});
  EXPECT_EQ(writer.skipped(), 1u);
  // There is room again; but what comes now is the middle of that connection.
  EventEmitter(&writer, client_context(2ms, 1))
      .emit(ConnectionStateUpdated{.new_state = LoggedConnectionState::kClosed});
  const int opened = null.opened;
  further.emit(PacketLost{});
  EXPECT_EQ(null.opened, opened);
  EventEmitter(&writer, client_context(2ms, QlogWriter::kOpenLogsMax + 2)).emit(PacketLost{});
  EXPECT_EQ(null.opened, opened + 1);
  EXPECT_EQ(writer.skipped(), 1u);
}

// A tee tells all of its sinks of what one of them follows.
TEST(qlog, a_connection_that_was_not_chosen_has_no_log_though_another_sink_hears_of_it) {
  class Counting final : public ByteSink {
   public:
    std::unique_ptr<LogOutput> open(const ConnectionKey&, std::string_view) override {
      ++opened;
      return nullptr;
    }
    int opened = 0;
  } logs;
  QlogWriter writer(logs);
  for (std::uint64_t i = 1; i <= QlogWriter::kOpenLogsMax; ++i)
    EventEmitter(&writer, client_context(1ms, i)).emit(PacketLost{});
  const int before = logs.opened;
  EventCounters counters;
  EventTee tee;
  tee.add(counters);
  tee.add(writer);
  const EventEmitter refused(&tee, client_context(1ms, QlogWriter::kOpenLogsMax + 1));
  refused.emit(PacketLost{});
  EventEmitter(&writer, client_context(2ms, 1))
      .emit(ConnectionStateUpdated{.new_state = LoggedConnectionState::kClosed});
  refused.emit(PacketLost{});
  EXPECT_EQ(counters.total(), 2u);
  EXPECT_EQ(logs.opened, before);
  // One that begins now has a log, and none from its end on.
  const EventEmitter further(&tee, client_context(2ms, QlogWriter::kOpenLogsMax + 2));
  further.emit(PacketLost{});
  further.emit(ConnectionStateUpdated{.new_state = LoggedConnectionState::kClosed});
  further.emit(PacketLost{});
  EXPECT_EQ(logs.opened, before + 1);
}

TEST(qlog, a_log_that_the_sink_cannot_keep_is_tried_and_counted_once) {
  class Full final : public ByteSink {
   public:
    std::unique_ptr<LogOutput> open(const ConnectionKey&, std::string_view) override {
      ++asked;
      return nullptr;
    }
    int asked = 0;
  } full;
  QlogWriter writer(full);
  const EventEmitter emitter(&writer, client_context());
  for (int i = 0; i < 3; ++i) emitter.emit(PacketLost{});
  EXPECT_EQ(full.asked, 1);
  EXPECT_EQ(writer.skipped(), 1u);
}

}  // namespace
}  // namespace hawser
