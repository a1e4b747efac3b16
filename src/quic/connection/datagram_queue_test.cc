// datagram_queue_test.cc: goal: datagrams go in the order of their flows' urgency, no later than their
// lifetime, and what finds no room goes as the flow says; each is told of once. Method: a queue without a
// connection, whose time the test gives; what it writes is read back as frames.
#include "quic/connection/datagram_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "base/random.h"
#include "quic/wire/frames/datagram.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kPacketRoom = 1'400;

struct Fixture {
  explicit Fixture(DatagramLimits limits = {}) : queue(limits, events) { queue.begin(now); }

  std::expected<void, DatagramError> push(std::string_view text, SendDatagramOptions options = {}) {
    return queue.push(as_bytes(text), options);
  }
  void pass(Duration by) {
    now += by;
    queue.begin(now);
  }
  // The payloads of one packet with `room` octets for frames.
  std::vector<std::string> packet(std::size_t room = kPacketRoom, std::uint8_t last = 7) {
    memory.assign(room, 0xee);
    payload.reset(memory);
    result = queue.write(payload, kPacketRoom, last, &copies);
    std::vector<std::uint8_t> plain;
    for (const Bytes piece : payload.pieces()) plain.insert(plain.end(), piece.begin(), piece.end());
    sent.insert(sent.end(), payload.frames().begin(), payload.frames().end());
    std::vector<std::string> texts;
    FrameReader in(plain);
    while (!in.empty()) {
      EXPECT_TRUE(in.next_type().has_value());
      texts.emplace_back(as_text(parse_datagram(in).value().data));
    }
    return texts;
  }
  std::vector<DatagramReport> reports() {
    std::vector<DatagramReport> all;
    queue.deliver([&](std::span<const DatagramReport> some) { all.insert(all.end(), some.begin(), some.end()); },
                  [&](DatagramFlowId flow) { writable.push_back(flow); });
    return all;
  }

  EventEmitter events;
  Timestamp now{1s};
  DatagramQueue queue;
  std::vector<std::uint8_t> memory;
  PacketPayload payload;
  WriteResult result = WriteResult::kDone;
  std::vector<SentFrame> sent;
  std::vector<DatagramToCopy> copies;  // of those that may go on another path as well
  std::vector<DatagramFlowId> writable;
};

using Texts = std::vector<std::string>;
using Reports = std::vector<DatagramReport>;

// rfc9221:5.1-priorities
TEST(datagram_queue, more_urgent_flows_go_first) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(7, {.urgency = 6}));
  ASSERT_TRUE(f.queue.set_flow(9, {.urgency = 1}));
  ASSERT_TRUE(f.push("late", {.flow = 7}));
  ASSERT_TRUE(f.push("default"));
  ASSERT_TRUE(f.push("first", {.flow = 9}));
  EXPECT_EQ(f.queue.next_urgency(), 1);
  EXPECT_EQ(f.packet(), (Texts{"first", "default", "late"}));
  EXPECT_TRUE(f.queue.empty());
  EXPECT_EQ(f.queue.next_urgency(), DatagramQueue::kUrgencyLevels);
}

TEST(datagram_queue, flows_of_one_urgency_take_turns) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {}));
  ASSERT_TRUE(f.queue.set_flow(2, {}));
  for (const char* text : {"a1", "a2", "a3"}) ASSERT_TRUE(f.push(text, {.flow = 1}));
  for (const char* text : {"b1", "b2", "b3"}) ASSERT_TRUE(f.push(text, {.flow = 2}));
  EXPECT_EQ(f.packet(), (Texts{"a1", "b1", "a2", "b2", "a3", "b3"}));
}

TEST(datagram_queue, what_is_less_urgent_than_asked_for_stays) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {.urgency = 5}));
  ASSERT_TRUE(f.push("bulk", {.flow = 1}));
  ASSERT_TRUE(f.push("speech"));
  EXPECT_EQ(f.packet(kPacketRoom, 4), (Texts{"speech"}));
  EXPECT_EQ(f.result, WriteResult::kDone);
  EXPECT_EQ(f.packet(kPacketRoom, 5), (Texts{"bulk"}));
}

TEST(datagram_queue, a_change_of_urgency_moves_what_waits) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {.urgency = 5}));
  ASSERT_TRUE(f.push("now", {.flow = 1}));
  ASSERT_TRUE(f.push("then"));
  ASSERT_TRUE(f.queue.set_flow(1, {.urgency = 0}));
  EXPECT_EQ(f.packet(), (Texts{"now", "then"}));
}

TEST(datagram_queue, what_outlives_its_lifetime_is_dropped_unsent) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {.reports = kReportAll, .lifetime = 20ms}));
  ASSERT_TRUE(f.push("old", {.flow = 1, .id = 1}));
  ASSERT_TRUE(f.push("patient", {.flow = 1, .id = 2, .lifetime = 1s}));
  ASSERT_TRUE(f.push("for ever", {.flow = 1, .id = 3, .lifetime = Duration{0}}));
  f.pass(Duration{0});
  f.pass(20ms);
  EXPECT_EQ(f.packet(), (Texts{"patient", "for ever"}));
  EXPECT_EQ(
      f.reports(),
      (Reports{{1, 1, 3, DatagramFate::kExpired}, {1, 2, 7, DatagramFate::kSent}, {1, 3, 8, DatagramFate::kSent}}));
  EXPECT_EQ(f.queue.stats().expired, 1u);
}

TEST(datagram_queue, a_lifetime_lasts_to_its_last_nanosecond) {
  Fixture f;
  ASSERT_TRUE(f.push("x", {.lifetime = 20ms}));
  f.pass(Duration{0});
  f.pass(20ms - 1ns);
  EXPECT_EQ(f.packet(), (Texts{"x"}));
}

// The connection's clock stands still while nothing happens on it.
TEST(datagram_queue, a_lifetime_begins_when_the_connection_learns_the_time) {
  Fixture f;
  ASSERT_TRUE(f.push("x", {.lifetime = 1ms}));
  f.pass(10s);
  EXPECT_EQ(f.packet(), (Texts{"x"}));
}

TEST(datagram_queue, what_expires_while_nothing_is_sent_is_told) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(0, {.reports = report_of(DatagramFate::kExpired)}));
  EXPECT_EQ(f.queue.next_expiry(), kNever);
  ASSERT_TRUE(f.push("b", {.id = 2, .lifetime = 30ms}));
  ASSERT_TRUE(f.push("a", {.id = 1, .lifetime = 10ms}));
  f.pass(Duration{0});
  EXPECT_EQ(f.queue.next_expiry(), f.now + 10ms + DatagramQueue::kExpiryGranularity);
  f.pass(11ms);
  f.queue.on_expiry();
  EXPECT_EQ(f.reports(), (Reports{{0, 1, 1, DatagramFate::kExpired}}));
  EXPECT_EQ(f.queue.next_expiry(), f.now + 19ms + 2 * DatagramQueue::kExpiryGranularity) << "less often each time";
  f.pass(21ms);
  f.queue.on_expiry();
  EXPECT_TRUE(f.queue.empty());
  EXPECT_EQ(f.queue.next_expiry(), kNever);
  ASSERT_TRUE(f.push("c"));
  ASSERT_EQ(f.packet(), (Texts{"c"}));
  ASSERT_TRUE(f.push("d", {.lifetime = 10ms}));
  f.pass(Duration{0});
  EXPECT_EQ(f.queue.next_expiry(), f.now + 10ms + DatagramQueue::kExpiryGranularity) << "as at first, once one left";
}

TEST(datagram_queue, a_full_flow_drops_its_oldest) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(0, {.reports = report_of(DatagramFate::kDropped), .queue_max = 2}));
  for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(f.push(std::to_string(id), {.id = id}));
  EXPECT_EQ(f.reports(), (Reports{{0, 1, 1, DatagramFate::kDropped}}));
  EXPECT_EQ(f.packet(), (Texts{"2", "3"}));
}

TEST(datagram_queue, a_full_flow_refuses_the_newest) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(0, {.drop = DatagramDrop::kNewest, .queue_max = 2}));
  ASSERT_TRUE(f.push("1"));
  ASSERT_TRUE(f.push("2"));
  EXPECT_EQ(f.push("3").error(), DatagramError::kQueueFull);
  EXPECT_EQ(f.queue.stats().refused, 1u);
  EXPECT_EQ(f.packet(), (Texts{"1", "2"}));
}

TEST(datagram_queue, what_has_expired_makes_room_before_anything_is_refused) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(0, {.drop = DatagramDrop::kNewest, .queue_max = 2}));
  ASSERT_TRUE(f.push("1"));
  ASSERT_TRUE(f.push("2", {.lifetime = 1ms}));
  f.pass(Duration{0});
  f.pass(2ms);
  EXPECT_TRUE(f.push("3"));
  EXPECT_EQ(f.packet(), (Texts{"1", "3"}));
}

TEST(datagram_queue, a_full_connection_drops_of_the_least_urgent_flow) {
  Fixture f({.count = 2, .octets = 1'000});
  for (const std::uint64_t flow : {2u, 5u})
    ASSERT_TRUE(f.queue.set_flow(flow, {.urgency = static_cast<std::uint8_t>(flow),
                                        .drop = DatagramDrop::kLowestPriority,
                                        .reports = report_of(DatagramFate::kDropped)}));
  ASSERT_TRUE(f.push("bulk", {.flow = 5, .id = 1}));
  ASSERT_TRUE(f.push("speech", {.flow = 2}));
  ASSERT_TRUE(f.push("more speech", {.flow = 2}));
  EXPECT_EQ(f.reports(), (Reports{{5, 1, 4, DatagramFate::kDropped}}));
  EXPECT_EQ(f.push("bulk", {.flow = 5}).error(), DatagramError::kQueueFull) << "all that waits is more urgent";
  EXPECT_EQ(f.packet(), (Texts{"speech", "more speech"}));
}

TEST(datagram_queue, another_flow_is_not_dropped_of_for_the_oldest) {
  Fixture f({.count = 2, .octets = 1'000});
  ASSERT_TRUE(f.queue.set_flow(1, {}));
  ASSERT_TRUE(f.push("1"));
  ASSERT_TRUE(f.push("2"));
  EXPECT_EQ(f.push("3", {.flow = 1}).error(), DatagramError::kQueueFull);
  EXPECT_TRUE(f.push("4"));
  EXPECT_EQ(f.packet(), (Texts{"2", "4"}));
}

TEST(datagram_queue, octets_are_bounded_but_one_may_always_wait) {
  Fixture f({.count = 100, .octets = 1'000});
  const std::string large(600, 'x');
  ASSERT_TRUE(f.push(large));
  ASSERT_TRUE(f.push(std::string(400, 'y')));
  EXPECT_EQ(f.queue.stats().dropped, 0u);
  ASSERT_TRUE(f.push("z"));
  EXPECT_EQ(f.queue.stats().dropped, 1u);
  EXPECT_EQ(f.queue.stats().octets_waiting, 401u);
  ASSERT_TRUE(f.push(std::string(1'300, 'w')));
  EXPECT_EQ(f.packet(), (Texts{std::string(1'300, 'w')}));
}

TEST(datagram_queue, room_is_told_at_half_and_once) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(3, {.drop = DatagramDrop::kNewest, .queue_max = 4}));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(f.push("x", {.flow = 3}));
  ASSERT_FALSE(f.push("x", {.flow = 3}));
  EXPECT_EQ(f.packet(4), (Texts{"x"}));
  (void)f.reports();
  EXPECT_TRUE(f.writable.empty());
  EXPECT_EQ(f.packet(4), (Texts{"x"}));
  (void)f.reports();
  (void)f.reports();
  EXPECT_EQ(f.writable, (std::vector<DatagramFlowId>{3}));
}

TEST(datagram_queue, reports_tell_what_was_asked_for_and_no_more) {
  Fixture f;
  ASSERT_TRUE(
      f.queue.set_flow(1, {.reports = report_of(DatagramFate::kAcknowledged) | report_of(DatagramFate::kLost)}));
  ASSERT_TRUE(f.push("a", {.flow = 1, .id = 11}));
  ASSERT_TRUE(f.push("bb", {.flow = 1, .id = 12}));
  ASSERT_TRUE(f.push("silent", {.id = 13}));
  ASSERT_EQ(f.packet().size(), 3u);
  EXPECT_TRUE(f.reports().empty());
  for (const SentFrame& frame : f.sent) {
    if (frame.id == 12)
      f.queue.on_lost(frame);
    else
      f.queue.on_acked(frame);
  }
  EXPECT_EQ(f.reports(), (Reports{{1, 11, 1, DatagramFate::kAcknowledged}, {1, 12, 2, DatagramFate::kLost}}));
  EXPECT_EQ(f.queue.stats().acknowledged, 2u);
  EXPECT_EQ(f.queue.stats(1)->acknowledged, 1u);
  EXPECT_EQ(f.queue.stats(1)->lost, 1u);
}

TEST(datagram_queue, what_became_too_large_for_the_path_is_dropped) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(0, {.reports = report_of(DatagramFate::kDropped)}));
  ASSERT_TRUE(f.push(std::string(kPacketRoom, 'x'), {.id = 5}));
  ASSERT_TRUE(f.push("small"));
  EXPECT_EQ(f.packet(), (Texts{"small"}));
  EXPECT_EQ(f.reports(), (Reports{{0, 5, kPacketRoom, DatagramFate::kDropped}}));
}

TEST(datagram_queue, what_is_left_of_a_packet_goes_to_a_flow_that_fits) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {.urgency = 6}));
  ASSERT_TRUE(f.push(std::string(1'000, 'x')));
  ASSERT_TRUE(f.push(std::string(1'000, 'y')));
  ASSERT_TRUE(f.push("small", {.flow = 1}));
  EXPECT_EQ(f.packet(), (Texts{std::string(1'000, 'x'), "small"}));
  EXPECT_EQ(f.result, WriteResult::kPacketFull);
  EXPECT_EQ(f.packet(), (Texts{std::string(1'000, 'y')}));
  EXPECT_EQ(f.result, WriteResult::kDone);
}

// For a scheduler of paths.
TEST(datagram_queue, next_tells_what_would_go_into_so_much_room) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(4, {.urgency = 2, .lifetime = 50ms}));
  ASSERT_TRUE(f.queue.set_flow(8, {.urgency = 5}));
  EXPECT_FALSE(f.queue.next(1'000).has_value());
  ASSERT_TRUE(f.push(std::string(500, 'x'), {.flow = 4}));
  ASSERT_TRUE(f.push("tiny", {.flow = 8}));
  f.pass(1ms);
  const auto wide = f.queue.next(1'000);
  ASSERT_TRUE(wide.has_value());
  EXPECT_EQ(wide->flow, 4u);
  EXPECT_EQ(wide->urgency, 2);
  EXPECT_EQ(wide->deadline, f.now + 50ms);
  EXPECT_EQ(wide->size, 500u);
  EXPECT_EQ(wide->frame_size, 503u);
  EXPECT_EQ(wide->flow_octets_waiting, 500u);
  const auto narrow = f.queue.next(502);
  ASSERT_TRUE(narrow.has_value());
  EXPECT_EQ(narrow->flow, 8u);
  EXPECT_EQ(narrow->deadline, kNever);
  EXPECT_FALSE(f.queue.next(5).has_value());
  EXPECT_EQ(f.queue.stats().waiting, 2u) << "asking sends nothing";
}

TEST(datagram_queue, a_closed_flow_is_gone_and_its_datagrams_with_it) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {.reports = kReportAll}));
  ASSERT_TRUE(f.push("in flight", {.flow = 1, .id = 1}));
  ASSERT_EQ(f.packet().size(), 1u);
  ASSERT_TRUE(f.push("waits", {.flow = 1, .id = 2}));
  f.queue.close_flow(1);
  EXPECT_TRUE(f.queue.empty());
  f.queue.on_acked(f.sent.front());
  EXPECT_EQ(f.reports(), (Reports{{1, 1, 9, DatagramFate::kSent}, {1, 2, 5, DatagramFate::kDropped}}));
  EXPECT_EQ(f.push("x", {.flow = 1}).error(), DatagramError::kNoSuchFlow);
  EXPECT_FALSE(f.queue.stats(1).has_value());
  EXPECT_EQ(f.queue.stats().acknowledged, 1u);
}

TEST(datagram_queue, flows_are_bounded) {
  Fixture f;
  for (DatagramFlowId id = 1; id < DatagramQueue::kFlowsMax; ++id) ASSERT_TRUE(f.queue.set_flow(id, {})) << id;
  EXPECT_EQ(f.queue.set_flow(DatagramQueue::kFlowsMax, {}).error(), DatagramError::kTooManyFlows);
  EXPECT_TRUE(f.queue.set_flow(1, {.urgency = 0})) << "one that is there can be changed";
  EXPECT_LE(f.queue.memory(), std::size_t{2} << 20);
}

TEST(datagram_queue, payloads_of_all_sizes_come_out_whole) {
  Fixture f;
  for (std::size_t size = 0; size <= kPacketRoom - 3; ++size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(size + i * 7);
    ASSERT_TRUE(f.push(text));
    ASSERT_EQ(f.packet(), (Texts{text})) << size;
  }
}

TEST(datagram_queue, buffer_sizes_rise_by_at_most_a_half) {
  for (std::size_t size = 0; size <= 65'536; ++size) {
    const std::size_t octets = DatagramBuffers::octets_of(DatagramBuffers::class_of(size));
    ASSERT_GE(octets, size);
    if (size > DatagramBuffers::kLeast) ASSERT_LE(octets, size + size / 2) << size;
  }
}

// Sum of what became of them, bounds of what waits, and of memory, whatever is done.
TEST(datagram_queue, random_use_keeps_its_accounts_and_bounds) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    const DatagramLimits limits{.count = 1 + random.below(50), .octets = 1 + random.below(20'000)};
    Fixture f(limits);
    std::uint64_t told = 0;
    for (int step = 0; step < 400; ++step) {
      const DatagramFlowId flow = random.below(5);
      switch (random.below(8)) {
        case 0:
          ASSERT_TRUE(f.queue.set_flow(flow, {.urgency = static_cast<std::uint8_t>(random.below(9)),
                                              .drop = static_cast<DatagramDrop>(random.below(3)),
                                              .reports = kReportAll,
                                              .lifetime = Duration{static_cast<std::int64_t>(random.below(3'000'000))},
                                              .queue_max = random.below(40),
                                              .queue_octets_max = random.below(10'000)}));
          break;
        case 1:
          if (random.below(10) == 0) f.queue.close_flow(flow);
          break;
        case 2:
          f.pass(Duration{static_cast<std::int64_t>(random.below(2'000'000))});
          if (random.below(2) == 0) f.queue.on_expiry();
          break;
        case 3:
          (void)f.packet(random.below(1'400), static_cast<std::uint8_t>(random.below(8)));
          break;
        default:
          (void)f.push(std::string(random.below(1'397), 'x'), {.flow = flow});
          break;
      }
      told += f.reports().size();
      const DatagramStats s = f.queue.stats();
      ASSERT_EQ(s.queued, s.sent + s.expired + s.dropped + s.waiting) << "seed " << seed;
      ASSERT_LE(s.waiting, limits.count);
      ASSERT_LE(s.octets_waiting, std::max<std::size_t>(limits.octets, 1'397));
      ASSERT_EQ(s.waiting == 0, f.queue.empty());
      ASSERT_LE(f.queue.memory(), 3 * limits.octets / 2 + limits.count * sizeof(QueuedDatagram) + 16'384);
    }
    EXPECT_GT(told, 0u);
    f.queue.clear();
    EXPECT_TRUE(f.queue.empty());
  }
}

TEST(datagram_queue, gives_out_copies_of_flows_that_may_arrive_twice) {
  Fixture f;
  ASSERT_TRUE(f.queue.set_flow(1, {.copies = true}).has_value());
  ASSERT_TRUE(f.push("once").has_value());
  ASSERT_TRUE(f.push("twice", {.flow = 1}).has_value());
  ASSERT_TRUE(f.push(std::string(800, 'x'), {.flow = 1}).has_value());
  EXPECT_EQ(f.packet().size(), 3u);
  ASSERT_EQ(f.copies.size(), 2u);
  EXPECT_EQ(as_text(f.copies[0].payload.view()), "twice");
  // They outlive the queue's own memory.
  f.pass(1s);
  EXPECT_EQ(as_text(f.copies[1].payload.view()), std::string(800, 'x'));
}

}  // namespace
}  // namespace hawser::quic
