// perf_test.cc: goal: sizes, percentiles and messages of `hawser perf` mean what they say.
// Method: values at the edges, and each message through its coder and back.
#include <gtest/gtest.h>

#include "net/address.h"
#include "perf_datagrams.h"
#include "perf_histogram.h"
#include "perf_live.h"
#include "perf_options.h"
#include "perf_paths.h"
#include "perf_pause.h"
#include "perf_protocol.h"

namespace hawser::perf {
namespace {

TEST(perf, sizes_take_binary_suffixes) {
  EXPECT_EQ(parse_size("1500").value(), 1'500u);
  EXPECT_EQ(parse_size("64k").value(), 65'536u);
  EXPECT_EQ(parse_size("10M").value(), 10'485'760u);
  EXPECT_EQ(parse_size("2G").value(), 2'147'483'648u);
  for (const char* text : {"1kb", "1KB", "1kib", "1KiB"}) EXPECT_EQ(parse_size(text).value(), 1'024u) << text;
}

TEST(perf, sizes_that_are_none_are_refused) {
  for (const char* text : {"", "k", "12x", "1kk", "1b", "1kbb", "-1", "1.5G", "99999999999999999999", "3000000T"})
    EXPECT_FALSE(parse_size(text).has_value()) << text;
}

TEST(perf, percentiles_are_at_most_a_sixty_fourth_too_high) {
  Histogram histogram;
  for (std::int64_t us = 1; us <= 1'000; ++us) histogram.add(std::chrono::microseconds(us));
  for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = 1'000'000 * share;
    const auto found = static_cast<double>(histogram.percentile(share).count());
    EXPECT_GE(found, exact) << share;
    EXPECT_LE(found, exact * 65 / 64) << share;
  }
  EXPECT_EQ(Histogram().percentile(0.5), Duration{0});
}

TEST(perf, least_most_and_mean_are_exact) {
  Histogram histogram;
  EXPECT_EQ(histogram.least(), Duration{0});
  for (const std::int64_t ns : {1'000'003, 17, 500'001}) histogram.add(Duration{ns});
  Histogram other;
  other.add(Duration{1'999'979});
  histogram.add_all(other);
  EXPECT_EQ(histogram.least(), Duration{17});
  EXPECT_EQ(histogram.most(), Duration{1'999'979});
  EXPECT_EQ(histogram.mean(), Duration{875'000});
  EXPECT_EQ(histogram.percentile(1), Duration{1'999'979});
}

TEST(perf, histogram_takes_the_shortest_and_longest_durations) {
  Histogram histogram;
  histogram.add(Duration{0});
  EXPECT_EQ(histogram.percentile(1), Duration{0});
  histogram.add(Duration::max());
  EXPECT_EQ(histogram.percentile(1), Duration::max());
}

TEST(perf, headers_and_reports_come_back_as_they_went) {
  const auto octets = encode(RequestHeader{.op = Op::kTransfer, .request_size = 1, .response_size = kUnlimited});
  const auto header = decode_request_header(Bytes(octets));
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->request_size, 1u);
  EXPECT_EQ(header->response_size, kUnlimited);
  EXPECT_FALSE(decode_request_header(Bytes(octets).first(kRequestHeaderSize - 1)).has_value());
  const auto report = decode_server_report(
      Bytes(encode(ServerReport{.cpu_user_ns = 5, .max_datagram_size = 1'452, .memory_bytes = 9'000})));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->cpu_user_ns, 5u);
  EXPECT_EQ(report->max_datagram_size, 1'452u);
  EXPECT_EQ(report->memory_bytes, 9'000u);
}

quic::PathInfo path_info(std::uint64_t id, const char* local, std::uint64_t received) {
  quic::PathInfo path;
  path.id = quic::PathId{id};
  path.state = quic::PathState::kActive;
  path.tuple.local = net::parse_ip(local);
  path.bytes_received = received;
  path.max_datagram_size = 1'000;
  return path;
}

TEST(perf, path_reports_come_back_as_they_went) {
  std::vector<quic::PathInfo> paths{path_info(0, "10.0.0.1", 5), path_info(7, "10.0.1.1", 5)};
  paths[1].state = quic::PathState::kDegraded;
  paths[1].smoothed_rtt = 17ms;
  paths[1].packets_lost = 3;
  const auto octets = encode(paths);
  const auto reports = decode_path_reports(octets);
  ASSERT_TRUE(reports.has_value());
  ASSERT_EQ(reports->size(), 2u);
  EXPECT_EQ(reports->back().id, 7u);
  EXPECT_EQ(reports->back().smoothed_rtt_ns, 17'000'000u);
  EXPECT_EQ(reports->back().packets_lost, 3u);
  EXPECT_FALSE(decode_path_reports(Bytes(octets).first(octets.size() - 1)).has_value());
  EXPECT_FALSE(decode_path_reports(std::vector<std::uint8_t>(9 * kPathReportSize)).has_value()) << "too many";
  EXPECT_FALSE(decode_path_reports(std::vector<std::uint8_t>(kPathReportSize, 9)).has_value()) << "no such state";
}

TEST(perf, a_line_for_each_path_has_rate_share_and_what_the_sender_knows) {
  const net::LocalNetworks networks{.interfaces = {{.index = 1, .name = "eth0", .running = true, .kind = {}}},
                                    .addresses = {{.address = net::parse_ip("10.0.0.1"), .interface = 1}}};
  PathTable table;
  const std::vector first{path_info(0, "10.0.0.1", 1'000)};
  table.look({.client = first}, networks);
  const std::vector<PathReport> server{{.id = 1,
                                        .state = static_cast<std::uint64_t>(quic::PathState::kDegraded),
                                        .smoothed_rtt_ns = 20'400'000,
                                        .packets_lost = 5,
                                        .bytes_sent = 1'000'000,
                                        .max_datagram_size = 1'000}};
  const std::vector both{path_info(0, "10.0.0.1", 751'000), path_info(1, "10.9.0.1", 250'000)};
  table.look({.client = both, .server = server}, networks);
  const auto lines = live_path_lines(table, 1s);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "     0 eth0       6.00 Mbit/s      75 %  RTT    0.0 ms  loss  0.00 %  active");
  EXPECT_EQ(lines[1], "     1 10.9.0.1:0 2.00 Mbit/s      25 %  RTT   20.4 ms  loss  0.50 %  degraded");
}

// Small datagrams are many packets for their octets.
TEST(perf, a_paths_loss_is_of_packets_as_large_as_they_are) {
  std::vector<quic::PathInfo> paths{path_info(0, "10.0.0.1", 0)};
  paths[0].bytes_sent = 1'000'000;
  paths[0].packets_lost = 100;
  PathTable table;
  table.look({.client = paths, .upload = true, .client_packet = 100, .server_packet = 1'200}, {});
  EXPECT_DOUBLE_EQ(table.rows()[0].loss, 0.01);
  const std::vector<PathReport> server{{.packets_lost = 50, .bytes_sent = 1'000'000, .max_datagram_size = 1'000}};
  table.look({.client = paths, .server = server, .client_packet = 1'200, .server_packet = 50}, {});
  EXPECT_DOUBLE_EQ(table.rows()[0].loss, 0.0025);
}

TEST(perf, a_path_that_is_gone_keeps_its_place_in_the_account) {
  PathTable table;
  const std::vector before{path_info(0, "10.0.0.1", 4'000'000), path_info(1, "10.0.1.1", 1'000'000)};
  const std::vector after{path_info(1, "10.0.1.1", 4'000'000)};
  table.look({.client = before}, {});
  table.look({.client = after}, {});
  EXPECT_EQ(live_path_lines(table, 1s).size(), 1u);
  PathOutcome outcome{.table = table, .alone = {{"eth0", 10e6}, {"wlan0", 10e6}}, .longest_pause = 41ms};
  const std::string text = describe_paths(outcome, 4, 18e6);
  EXPECT_NE(text.find("8.00 Mbit/s, 50 % of all"), std::string::npos) << text;
  EXPECT_NE(text.find("gone"), std::string::npos) << text;
  EXPECT_NE(text.find("longest pause 41 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("90.0 % of the sum"), std::string::npos) << text;
  EXPECT_NE(paths_json(outcome, 4).find("\"share\": 0.5"), std::string::npos);
}

TEST(perf, a_pause_is_between_two_pieces_of_one_transfer) {
  Pause pause;
  pause.on_data(Timestamp{1s});
  pause.on_data(Timestamp{1010ms});
  pause.on_end();
  pause.on_data(Timestamp{9s});
  pause.on_data(Timestamp{9030ms});
  EXPECT_EQ(pause.longest(), 30ms);
}

TEST(perf, datagram_headers_come_back_as_they_went) {
  std::vector<std::uint8_t> payload(kDatagramHeaderSize + 3, 0xee);
  encode(DatagramHeader{.op = DatagramOp::kReturn, .number = 0x0102030405060708, .time_ns = UINT64_MAX}, payload);
  const auto header = decode_datagram_header(payload);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->op, DatagramOp::kReturn);
  EXPECT_EQ(header->number, 0x0102030405060708u);
  EXPECT_EQ(header->time_ns, UINT64_MAX);
  EXPECT_EQ(payload.back(), 0xee);
  EXPECT_FALSE(decode_datagram_header(Bytes(payload).first(kDatagramHeaderSize - 1)).has_value());
  for (const std::uint8_t op : {std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{255}}) {
    payload[0] = op;
    EXPECT_FALSE(decode_datagram_header(payload).has_value()) << int{op};
  }
}

TEST(perf, what_comes_back_gives_delay_jitter_and_order) {
  DatagramLoad load({.size = kDatagramHeaderSize, .count = 3});
  Histogram delays;
  const auto returned = [&](std::uint64_t number, Duration sent, Duration now, DatagramOp op = DatagramOp::kReturned) {
    std::vector<std::uint8_t> payload(kDatagramHeaderSize);
    encode(DatagramHeader{.op = op, .number = number, .time_ns = static_cast<std::uint64_t>(sent.count())}, payload);
    return load.on_datagram(payload, Timestamp(now), delays);
  };
  EXPECT_FALSE(returned(0, 0ms, 1ms, DatagramOp::kReturn)) << "not an answer";
  EXPECT_TRUE(returned(0, 0ms, 10ms));
  EXPECT_TRUE(returned(2, 2ms, 12ms));
  EXPECT_TRUE(returned(1, 1ms, 27ms));
  const DatagramAccount account = load.account(nullptr);
  EXPECT_EQ(account.returned, 3u);
  EXPECT_EQ(account.reordered, 1u);
  EXPECT_EQ(account.jitter, 1ms) << "16 ms more than the one before, a sixteenth of it";
  EXPECT_EQ(delays.least(), 10ms);
  EXPECT_EQ(delays.most(), 26ms);
}

TEST(perf, what_comes_back_can_be_put_in_order) {
  DatagramLoad load({.size = kDatagramHeaderSize, .count = 5, .in_order = 20ms});
  Histogram delays;
  const auto returned = [&](std::uint64_t number, Duration sent, Duration now) {
    std::vector<std::uint8_t> payload(kDatagramHeaderSize);
    encode(
        DatagramHeader{
            .op = DatagramOp::kReturned, .number = number, .time_ns = static_cast<std::uint64_t>(sent.count())},
        payload);
    return load.on_datagram(payload, Timestamp(now), delays);
  };
  EXPECT_EQ(returned(0, 0ms, 10ms), 1);
  EXPECT_EQ(returned(2, 2ms, 12ms), 0) << "held";
  EXPECT_EQ(load.due(), Timestamp(12ms + 20ms));
  EXPECT_EQ(returned(1, 1ms, 27ms), 2);
  EXPECT_EQ(delays.most(), 26ms);
  EXPECT_EQ(returned(4, 4ms, 30ms), 0);
  EXPECT_EQ(load.on_time(Timestamp(49ms), delays), 0);
  EXPECT_EQ(load.on_time(Timestamp(50ms), delays), 1);
  EXPECT_EQ(delays.most(), 46ms) << "what it was held counts";
  EXPECT_EQ(returned(3, 3ms, 51ms), 0) << "too late";
  const DatagramAccount account = load.account(nullptr);
  EXPECT_EQ(account.reordered, 2u);
  EXPECT_EQ(account.order.in_order, 4u);
  EXPECT_EQ(account.order.held, 2u);
  EXPECT_EQ(account.order.late, 1u);
}

TEST(perf, headers_with_unknown_op_or_endless_size_are_refused) {
  auto octets = encode(RequestHeader{});
  octets[0] = 9;
  EXPECT_FALSE(decode_request_header(Bytes(octets)).has_value());
  const auto large = encode(RequestHeader{.request_size = kUnlimited + 1});
  EXPECT_FALSE(decode_request_header(Bytes(large)).has_value());
}

LiveSample one_second() {
  return {.since_begin = 3s, .since_last = 1s, .progress = 1'000'000'000};
}

TEST(perf, live_line_of_a_download_has_the_servers_path) {
  LiveSample sample = one_second();
  sample.client = quic::ConnectionStats{.packets_lost = 1, .smoothed_rtt = 5ms, .congestion_window = 7};
  sample.server = ServerReport{.packets_lost = 9, .smoothed_rtt_ns = 210'000, .congestion_window = 1'200'000};
  sample.lost_before = 4;
  EXPECT_EQ(live_line(Mode::kDownload, sample),
            "   3 s  8.00 Gbit/s         RTT 210 us      lost 6       window 1.2 MB");
}

TEST(perf, live_line_of_an_upload_has_the_clients_path) {
  LiveSample sample = one_second();
  sample.client = quic::ConnectionStats{.packets_lost = 2, .smoothed_rtt = 5ms, .congestion_window = 70'000};
  EXPECT_EQ(live_line(Mode::kUpload, sample), "   3 s  8.00 Gbit/s         RTT 5000 us     lost 2       window 70 kB");
}

TEST(perf, live_line_without_a_connection_is_the_rate_alone) {
  LiveSample sample = one_second();
  sample.progress = 2'500;
  EXPECT_EQ(live_line(Mode::kHandshakes, sample), "   3 s  2500 per second   ");
}

}  // namespace
}  // namespace hawser::perf
