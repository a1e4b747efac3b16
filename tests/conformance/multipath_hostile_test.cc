// multipath_hostile_test.cc: goal: a peer that floods with frames of the multipath extension, takes one connection ID
// for two paths or wants an abandoned path back takes no memory, and gets an exact error in the end. Method: the liar
// of multipath_stage.h.
#include "multipath_stage.h"

namespace hawser::quic {
namespace {

// Connection IDs that replace each other without end: what is kept and what is to be retired stays within its limit.
// multipath:4.4-unique
TEST(multipath_hostile, a_flood_of_connection_ids_for_a_path_takes_no_memory) {
  Stage stage;
  const std::size_t before = stage.server->core().multipath()->memory();
  std::size_t most = before;
  for (std::uint64_t i = 2; i < 20'000 && !stage.error(); ++i) {
    const std::string number = varint_hex(i);
    std::string cid = "04";
    for (int octet = 0; octet < 4; ++octet)
      cid += bytes_hex(1, static_cast<std::uint8_t>(0x40 + (i >> (5 * octet)) % 32));
    stage.say("7e78 01 " + number + number + cid + bytes_hex(13, 7) + bytes_hex(1, static_cast<std::uint8_t>(i)) +
              bytes_hex(1, static_cast<std::uint8_t>(i >> 8)) + bytes_hex(1, 1));
    if (!stage.error()) most = std::max(most, stage.server->core().multipath()->memory());
  }
  ASSERT_TRUE(stage.error()) << "it went on for ever";
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kConnectionIdLimitError))
      << describe(*stage.verdict(kC));
  EXPECT_LE(most, before + 4'096);
}

// Paths opened and given up as fast as the limit allows: a new Path ID comes only when an old one is forgotten.
// multipath:2-limit-kept multipath:3.4-forget
TEST(multipath_hostile, path_after_path_takes_the_memory_of_the_limit) {
  Stage stage;
  stage.say_on_path_1("01000000");
  // A Path with the rings of its packets takes some 5 KB, and the server's answers, which the liar never acknowledges,
  // stay in those of the first one.
  constexpr std::size_t kMost = 16'384;
  for (int round = 0; round < 50; ++round) {
    stage.say("7e75 01 00");
    stage.say_on_path_1("01000000");
    // The next Path ID, which is not allowed yet, from connection IDs that were not issued for it.
    stage.inject_on(
        kC,
        stage.forge(kC,
                    {.frames_hex = "01000000", .version = Version::kV1, .dcid = stage.path_1_cid, .path = PathId{2}}),
        {ipv4_address({10, 0, 0, 2}, 443), kSecond});
    ASSERT_FALSE(stage.error()) << describe(*stage.verdict(kC));
    EXPECT_EQ(stage.server->paths().size(), 1u);
    EXPECT_LE(stage.server->core().multipath()->memory(), kMost) << round;
  }
}

// Whoever was given up cannot be had back: neither by packets, from wherever they come, nor by connection IDs, status
// or limits; and to try again and again takes no memory.
// multipath:3.1-path-id-not-reused multipath:4-closed-ignored
TEST(multipath_hostile, an_abandoned_path_that_is_revived_for_ever_takes_no_memory) {
  Stage stage;
  stage.say_on_path_1("01000000");
  stage.say("7e75 01 00");
  ASSERT_EQ(stage.server->paths().size(), 1u);
  const std::size_t before = stage.server->core().multipath()->memory();
  std::size_t most = before;
  for (int round = 0; round < 400 && !stage.error(); ++round) {
    if (round == 200) stage.pass(3s);  // the path is forgotten
    const auto number = static_cast<std::uint16_t>(round);
    stage.say_on_path_1("01000000");
    stage.inject_on(
        kC,
        stage.forge(kC,
                    {.frames_hex = "01000000", .version = Version::kV1, .dcid = stage.path_1_cid, .path = PathId{1}}),
        {ipv4_address({10, 0, 0, 2}, 443), ipv4_address({10, 9, 1, 1}, number)});
    stage.say("7e77 01 " + varint_hex(std::uint64_t{100} + number) + new_cid("01", "03", "c1c2c3c4"));
    EXPECT_EQ(stage.server->paths().size(), 1u) << round;
    most = std::max(most, stage.server->core().multipath()->memory());
  }
  // What is acknowledged of its packets, and our own packets, which the liar acknowledges never.
  EXPECT_LE(most, before + 32'768);
  ASSERT_TRUE(stage.error()) << "it went on for ever";
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
}

// The connection ID that the client chose in the handshake names the first path alone, and what names the second does
// not name the first.
// multipath:4.4-unique
TEST(multipath_hostile, a_connection_id_in_use_cannot_be_given_to_another_path) {
  for (const bool of_the_handshake : {true, false}) {
    Stage stage;
    std::string frame;
    const auto hex = [](const ConnectionId& cid) {
      std::string text;
      for (const std::uint8_t octet : cid.view()) text += bytes_hex(1, octet);
      return bytes_hex(1, static_cast<std::uint8_t>(cid.view().size())) + text;
    };
    if (of_the_handshake) {
      Path& path = stage.server->core().path();
      frame = "7e78 01 05 00" + hex(path.peer_cid(path.active())) + kToken;
    } else {
      stage.say_on_path_1("01000000");
      Path& path = *stage.server->core().multipath()->find(PathId{1})->path;
      frame = "7e78 00 05 00" + hex(path.peer_cid(path.active())) + kToken;
    }
    const std::size_t before = stage.server->core().multipath()->memory();
    stage.say(frame);
    ASSERT_TRUE(stage.error()) << of_the_handshake;
    EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
    EXPECT_NE(stage.verdict(kC)->frame_type, 0u) << "the frame is named";
    EXPECT_LE(stage.server->core().multipath()->memory(), before + 4'096);
  }
}

struct Flood {
  const char* name;
  // What packet number `i` says, again and again.
  std::string (*frame)(std::uint64_t i);
};
const Flood kFloods[] = {
    {"the same status", [](std::uint64_t) { return std::string("7e76007f00"); }},
    {"a newer status each time", [](std::uint64_t i) { return "7e7700" + varint_hex(i); }},
    {"PATHS_BLOCKED", [](std::uint64_t) { return std::string("7e7b01"); }},
    {"PATH_CIDS_BLOCKED", [](std::uint64_t) { return std::string("7e7c0100"); }},
    {"the same MAX_PATH_ID", [](std::uint64_t) { return std::string("7e7a05"); }},
    {"a larger MAX_PATH_ID each time", [](std::uint64_t i) { return "7e7a" + varint_hex(i + 5); }},
    {"PATH_RETIRE_CONNECTION_ID of what is retired", [](std::uint64_t) { return std::string("7e790101"); }},
    {"a known PATH_NEW_CONNECTION_ID", [](std::uint64_t) { return new_cid("01", "05", "a1a2a3a4"); }},
    {"PATH_ABANDON of a path that is over", [](std::uint64_t) { return std::string("7e750100"); }},
};

TEST(multipath_hostile, floods_of_path_frames_end_the_connection_and_take_no_memory) {
  for (const Flood& flood : kFloods) {
    Stage stage;
    const std::size_t before = stage.server->core().multipath()->memory();
    std::size_t most = before;
    std::uint64_t said = 0;
    for (int i = 0; i < 300 && !stage.error(); ++i) {
      std::string packet;
      while (packet.size() < 2'000) packet += flood.frame(said++);
      stage.say(packet);
      if (!stage.error()) most = std::max(most, stage.server->core().multipath()->memory());
    }
    ASSERT_TRUE(stage.error()) << flood.name;
    EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation)) << flood.name;
    EXPECT_LE(most, before + 8'192) << flood.name;
  }
}

// Acknowledgements of what was acknowledged, and of a path that is over: no error by themselves, but not for ever.
// multipath:4-closed-ignored
TEST(multipath_hostile, floods_of_path_acks_that_say_nothing_new_end_the_connection_and_take_no_memory) {
  for (const bool of_a_path_that_is_over : {false, true}) {
    Stage stage;
    std::uint64_t largest = 0;
    for (const SeenPacket& packet : stage.tap.packets())
      if (!packet.to_server && packet.opened && packet.type == PacketType::kOneRtt)
        largest = std::max(largest, packet.number);
    if (of_a_path_that_is_over) {
      stage.say_on_path_1("01000000");
      stage.say("7e75 01 00");
      stage.pass(3s);
    }
    const std::string frame =
        of_a_path_that_is_over ? "3e 01 00 00 00 00" : "3e 00 " + varint_hex(largest) + " 00 00 00";
    std::string packet;
    for (int i = 0; i < 60; ++i) packet += frame;
    stage.say(packet);
    ASSERT_FALSE(stage.error()) << describe(*stage.verdict(kC));
    const std::size_t before = stage.server->core().multipath()->memory();
    for (int i = 0; i < 400 && !stage.error(); ++i) {
      stage.say(packet);
      // Our acknowledgements, which are never acknowledged, are remembered up to a limit.
      if (!stage.error()) ASSERT_LE(stage.server->core().multipath()->memory(), before + 32'768) << i;
    }
    ASSERT_TRUE(stage.error()) << "it went on for ever";
    EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
  }
}

// A server gives up a path that its client has not opened, and it is forgotten before the client opens one.
// multipath:3.1-path-id-not-reused
TEST(multipath_hostile, a_path_given_up_before_it_was_opened_is_passed_over_once_it_is_forgotten) {
  Theatre theatre(two_paths());
  WireTap tap(theatre);
  theatre.open();
  theatre.pass(1s);
  theatre.silence(Role::kServer);
  theatre.lie(Role::kServer, {.frames_hex = "7e75 01 00", .version = Version::kV1});
  const auto answers = tap.where([](const SeenPacket& p) { return p.to_server && p.has<PathAbandonFrame>(); });
  ASSERT_FALSE(answers.empty());
  theatre.lie(Role::kServer,
              {.frames_hex = "02" + varint_hex(answers.back()->number) + "000000", .version = Version::kV1});
  theatre.pass(5s);
  EXPECT_EQ(theatre.client->core().multipath()->find(PathId{1}), nullptr) << "it is forgotten";
  const auto opened = theatre.client->open_path({.local = kSecond, .remote = theatre.client->tuple().remote});
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error(), PathRefusal::kAddress);
}

// Who acknowledges nothing of what it makes us send is ended, on whichever path.
TEST(multipath_hostile, a_deaf_peer_is_noticed_on_every_path) {
  Stage stage;
  stage.say_on_path_1("01000000");
  std::size_t packets = 0;
  while (!stage.error() && packets < 200'000) {
    stage.say_on_path_1("0e00" + varint_hex(packets++) + "0131");
    stage.now += 100us;
    if (packets % 64 == 0) stage.tap.clear();
  }
  ASSERT_TRUE(stage.error()) << "still open after " << packets << " packets";
  EXPECT_EQ(stage.verdict(kC)->reason, "nothing is acknowledged");
}

}  // namespace
}  // namespace hawser::quic
