// qlog_test.cc: goal: qlog files of every form are read alike, errors say where, what is kept is bounded, and
// a chart shows what the events say. Method: files of a few events as text, and long made-up logs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "qlog_plot.h"
#include "qlog_reader.h"
#include "qlog_stalls.h"
#include "qlog_summary.h"
#include "svg_chart.h"

namespace hawser::app {
namespace {

const std::string kHeader = R"({"file_schema":"x","trace":{"vantage_point":{"type":"client"}}})";

struct Read {
  std::vector<std::string> events;  // "time name"
  std::string header, vantage, error;
  std::size_t traces = 0;
};

std::expected<QlogReader, ConfigError> reader_of(const std::string& text, std::size_t trace = 0) {
  QlogReader::File file(std::tmpfile());
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file.get()), text.size());
  std::rewind(file.get());
  return QlogReader::read(std::move(file), "log", trace);
}

Read read(const std::string& text, std::size_t trace = 0) {
  Read out;
  auto reader = reader_of(text, trace);
  if (!reader) {
    out.error = reader.error().message;
    return out;
  }
  out.header = reader->header();
  out.vantage = reader->vantage();
  out.traces = reader->traces();
  for (;;) {
    const auto event = reader->next();
    if (!event) out.error = event.error().message;
    if (!event || !*event) return out;
    out.events.push_back(fmt::format("{:g} {}", (*event)->time_ms, (*event)->name));
  }
}

// Gives the events of a log to something that has add().
template <class Sink>
void feed(Sink& sink, const std::string& events) {
  auto reader = reader_of(kHeader + "\n" + events);
  ASSERT_TRUE(reader);
  for (;;) {
    const auto event = reader->next();
    ASSERT_TRUE(event) << event.error().message;
    if (!*event) return;
    sink.add(**event);
  }
}

std::string blocked(double ms, std::string_view reason) {
  if (reason.empty())
    return fmt::format(R"({{"time":{},"name":"quic:connection_data_blocked_updated","data":{{"new":"unblocked"}}}})",
                       ms) +
           "\n";
  return fmt::format(
             R"({{"time":{},"name":"quic:connection_data_blocked_updated","data":{{"new":"blocked","reason":"{}"}}}})",
             ms, reason) +
         "\n";
}

const std::string kTwoTraces = R"({"qlog_version":"0.3","qlog_format":"JSON","title":"a }]\" title","traces":[
  {"events":[ {"time":1.5,"name":"transport:packet_sent","data":{"a":"]}\""}}
    ,{"time":2,"name":"x:y","data":{}} ], "vantage_point":{"type":"server"},"common_fields":{"ODCID":"83"}},
  {"vantage_point":{"type":"client"},"events":[{"time":7,"name":"b","data":{}}]}],"summary":{"n":2}})";

TEST(qlog, a_document_is_read_as_its_records_would_be) {
  const Read first = read(kTwoTraces);
  EXPECT_EQ(first.error, "");
  EXPECT_EQ(first.events, (std::vector<std::string>{"1.5 transport:packet_sent", "2 x:y"}));
  EXPECT_EQ(first.vantage, "server");  // though it stands behind the events
  EXPECT_EQ(first.traces, 2u);
  EXPECT_EQ(first.header, R"({"qlog_version":"0.3","qlog_format":"JSON","title":"a }]\" title","summary":{"n":2},)"
                          R"("trace":{"vantage_point":{"type":"server"},"common_fields":{"ODCID":"83"}}})");
  EXPECT_EQ(read(kTwoTraces, 1).events, (std::vector<std::string>{"7 b"}));
  EXPECT_EQ(read(kTwoTraces, 2).error, "log:1: there are 2 traces, counted from 0");
}

TEST(qlog, a_document_that_was_cut_off_is_read_as_far_as_it_goes) {
  for (std::size_t size = kTwoTraces.find("\"events\":[") + 10; size < kTwoTraces.size(); ++size) {
    const Read cut = read(kTwoTraces.substr(0, size));
    EXPECT_EQ(cut.error, "") << size;
    EXPECT_LE(cut.events.size(), 2u);
  }
}

TEST(qlog, events_of_early_drafts_are_arrays) {
  const std::string head = R"({"qlog_version":"draft-00","traces":[{"configuration":{"time_units":"us"},)";
  const std::string fields = R"("event_fields":["relative_time","category","event","data"],)";
  EXPECT_EQ(read(head + fields + R"("events":[[1500,"recovery","packet_lost",{}]]}]})").events,
            (std::vector<std::string>{"1.5 recovery:packet_lost"}));
  EXPECT_EQ(read(head + fields + R"("events":[[1500,"recovery"]]}]})").error,
            "log: event 1: an event has a time, a name and \"data\"");
}

TEST(qlog, times_may_be_differences) {
  const std::string head = R"({"trace":{"common_fields":{"time_format":"relative_to_previous_event"}}})";
  EXPECT_EQ(read(head + "\n{\"time\":3,\"name\":\"a\",\"data\":{}}\n{\"time\":4,\"name\":\"b\",\"data\":{}}\n").events,
            (std::vector<std::string>{"3 a", "7 b"}));
}

TEST(qlog, an_error_says_where_and_what) {
  EXPECT_EQ(read("").error, "log:1: this is no qlog: neither a record a line (.sqlog) nor a JSON document (.qlog)");
  EXPECT_EQ(read("{}").error, "log:1: this is no qlog: its first record has no \"trace\"");
  EXPECT_EQ(read("{\"a\":").error, "log:1: this is no qlog: it has neither a \"trace\" nor \"traces\"");
  EXPECT_EQ(read("<svg/>").error, "log:1: this is no qlog document: octet 1 is not what JSON has there");
  EXPECT_EQ(read(R"({"traces":[{"title":"x"}]})").error, "log:1: the trace has no \"events\"");
  EXPECT_EQ(read(R"({"traces":[{"events":[3]}]})").error, "log: event 1: an event has a time, a name and \"data\"");
  EXPECT_EQ(read(R"({"traces":[{"events":[{"time":1e300,"name":"a","data":{}}]}]})").error,
            "log: event 1: an event has a time, a name and \"data\"");
  EXPECT_EQ(read(kHeader + "\n\n{\"time\":\"x\"}\n").error, "log:3: an event has \"time\", \"name\" and \"data\"");
}

TEST(qlog, a_record_past_the_limit_is_an_error) {
  const std::string big(QlogReader::kRecordMax, 'x');
  EXPECT_EQ(read(kHeader + "\n" + big + "y\n").error, "log:2: a record of more than 16 MiB");
  EXPECT_EQ(read(R"({"traces":[{"events":[{"time":1,"name":")" + big + R"("}]}]})").error,
            "log: event 1: an event, or what describes a trace, has more than 16 MiB");
  EXPECT_EQ(read(R"({"traces":[{"title":")" + big + R"("}]})").error,
            "log:1: an event, or what describes a trace, has more than 16 MiB");
}

TEST(qlog, the_summary_says_what_held_the_sender_back) {
  QlogSummary summary;
  feed(summary, blocked(0, "congestion_control") + blocked(30, "") + blocked(40, "stream_flow_control") +
                    blocked(45, "connection_flow_control") + blocked(50, "congestion_control") +
                    blocked(60, "application") + "{\"time\":100,\"name\":\"x\",\"data\":{}}\n");
  const std::string text = summary.text();
  EXPECT_NE(text.find("held back by the congestion window for 40.000 ms (40.0 %), 2 times, longest 30.000 ms"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("held back by flow control of the receiver for 10.000 ms (10.0 %), 2 times, longest 5.000 ms"),
            std::string::npos);
  EXPECT_NE(text.find("held back by the application for 40.000 ms (40.0 %), 1 times"), std::string::npos);
  EXPECT_NE(text.find("held back by nothing (it sent, or paced) for 10.000 ms"), std::string::npos);
}

TEST(qlog, without_the_event_the_summary_says_that_it_does_not_know) {
  QlogSummary summary;
  feed(summary, "{\"time\":1,\"name\":\"x\",\"data\":{}}\n");
  EXPECT_NE(summary.text().find("held back    not in this file"), std::string::npos);
}

TEST(qlog, a_series_keeps_extremes_in_bounded_memory) {
  ValueSeries series;
  for (int i = 0; i < 1'000'000; ++i) series.at(i * 0.37).add(i == 777'777 ? 5'000 : i % 100);
  EXPECT_LE(series.cells().size(), ValueSeries::kCells);
  EXPECT_GE(series.cells().size(), ValueSeries::kCells / 2);
  double top = 0;
  for (const ValueCell& cell : series.cells()) {
    EXPECT_TRUE(cell.used);
    EXPECT_EQ(cell.min, 0);
    top = std::max(top, cell.max);
  }
  EXPECT_EQ(top, 5'000);
}

TEST(qlog, counts_survive_that_spans_grow) {
  CountSeries series;
  for (int i = 0; i < 100'000; ++i) ++series.at(i).count;
  ++series.at(1e15).count;
  std::uint64_t sum = 0;
  for (const CountCell& cell : series.cells()) sum += cell.count;
  EXPECT_EQ(sum, 100'001u);
  EXPECT_LE(series.cells().size(), CountSeries::kCells);
}

TEST(qlog, a_chart_has_every_panel_with_its_unit_and_legend) {
  QlogPlot plot;
  feed(
      plot,
      R"({"time":0,"name":"quic:recovery_metrics_updated","data":{"congestion_window":12000,"bytes_in_flight":1200,"latest_rtt":21,"smoothed_rtt":20,"min_rtt":19}})"
      "\n"
      R"({"time":5,"name":"quic:packet_sent","data":{"frames":[{"frame_type":"stream","stream_id":4,"offset":0,"raw":{"length":900}}]}})"
      "\n"
      R"({"time":6,"name":"quic:packet_received","data":{"frames":[{"frame_type":"stream","stream_id":8,"offset":100,"length":50}]}})"
      "\n"
      R"({"time":7,"name":"recovery:packet_lost","data":{"header":{"packet_number":1}}})"
      "\n" +
          blocked(8, "congestion_control") + blocked(9, ""));
  const std::string svg = plot.svg("a<b&\x01.sqlog", "client");
  for (const char* part :
       {"Congestion window [kB]", ">bytes in flight<", "Round trip [ms]", ">smoothed<", "Packets declared lost",
        ">lost<", "What the sender waits for", ">congestion window<", "Stream data [kB]", ">sent 4<", ">received 8<",
        "time since the first event [ms]", "a&lt;b&amp;?.sqlog", "client; 1 packets lost", "prefers-color-scheme:dark"})
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  EXPECT_EQ(svg, plot.svg("a<b&\x01.sqlog", "client"));
}

TEST(qlog, a_long_stall_is_one_band_without_gaps) {
  QlogPlot plot;
  feed(plot, blocked(0, "congestion_control") + blocked(170.3, "application") + blocked(760.1, ""));
  const std::string svg = plot.svg("log", "client");
  // 870 pixels for 760.1 ms: 195 for the window, the rest for the application; and the legend's two marks.
  EXPECT_NE(svg.find("class=\"f c3\" x=\"70.0\""), std::string::npos);
  std::size_t rects = 0;
  for (std::size_t at = svg.find("<rect class=\"f"); at != std::string::npos; at = svg.find("<rect class=\"f", at + 1))
    ++rects;
  EXPECT_EQ(rects, 4u);
}

TEST(qlog, a_chart_of_a_long_log_is_no_larger_than_one_of_a_short) {
  std::string events;
  for (int i = 0; i < 50'000; ++i)
    events += fmt::format(
        R"({{"time":{},"name":"quic:recovery_metrics_updated","data":{{"congestion_window":{},"bytes_in_flight":{},"latest_rtt":{}}}}})"
        "\n",
        i, 10'000 + i * 7 % 9'000, i * 13 % 9'000, 20 + i % 17);
  QlogPlot plot;
  feed(plot, events);
  // Three lines of 512 cells with up to three points of 16 octets each.
  EXPECT_LT(plot.svg("long", "server").size(), 3u * 512 * 3 * 16 + 10'000);
}

TEST(qlog, steps_of_an_axis_are_round) {
  EXPECT_DOUBLE_EQ(nice_step(100, 10), 10);
  EXPECT_DOUBLE_EQ(nice_step(101, 10), 20);
  EXPECT_DOUBLE_EQ(nice_step(3, 10), 0.5);
  EXPECT_DOUBLE_EQ(nice_step(0.0007, 10), 0.0001);
}

}  // namespace
}  // namespace hawser::app
