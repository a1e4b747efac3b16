// preferred_rules_test.cc: goal: both sides move to a server's preferred address by the steps of RFC 9000
// section 9.6. Method: one side is played by a liar who goes as far as the rule at hand; what the other
// side sends, and between which addresses, is opened and read.
#include <gtest/gtest.h>

#include "quic/connection/core.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

constexpr Role kC = Role::kClient;
const SocketAddress kClientAddress = ipv4_address({10, 0, 0, 1}, 5'555);
const SocketAddress kOriginal = ipv4_address({10, 0, 0, 2}, 443);
const SocketAddress kPreferred = ipv4_address({10, 0, 0, 2}, 4'443);
const std::string kPing = "01000000" + bytes_hex(1'150);

bool only_probes(const SeenPacket& packet) {
  return std::ranges::all_of(packet.frames, [](const AnyFrame& frame) {
    return std::holds_alternative<PathChallengeFrame>(frame) || std::holds_alternative<PathResponseFrame>(frame) ||
           std::holds_alternative<NewConnectionIdFrame>(frame) || std::holds_alternative<PaddingFrame>(frame);
  });
}

std::string answer_to(const SeenPacket& challenge) {
  return "1b" + to_hex(challenge.get<PathChallengeFrame>()->data);
}

// rfc9000:9.6.2-validate-first rfc9000:21.5.3-no-data
// rfc9000:9.6.1-validate rfc9000:9.6.1-move
TEST(preferred_rules, a_client_asks_first_and_sends_data_when_it_was_answered) {
  Pair pair({.server = {.connection = {.preferred_ipv4 = kPreferred}}});
  pair.server_address = kOriginal;
  WireTap tap(pair);
  // Whatever the server says from its preferred address is lost until we let it through.
  bool lost = true;
  pair.drop = [&](bool to_server, Bytes) {
    const SeenPacket& last = tap.packets().back();
    return lost && (to_server ? last.tuple.remote == kPreferred : last.has<PathResponseFrame>());
  };
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  echo(c, c.open_stream(false).value(), pattern(50'000));
  pair.client->wake(c);
  pair.run([] { return false; }, 300ms);
  const auto to_preferred = [](const SeenPacket& p) { return p.to_server && p.tuple.remote == kPreferred; };
  EXPECT_FALSE(tap.where(to_preferred).empty());
  for (const SeenPacket* packet : tap.where(to_preferred)) EXPECT_TRUE(only_probes(*packet));
  EXPECT_EQ(c.tuple().remote, kOriginal);
  lost = false;
  ASSERT_TRUE(pair.run([&] { return c.tuple().remote == kPreferred; }, 5s));
  tap.clear();
  echo(c, c.open_stream(false).value(), pattern(5'000));
  pair.client->wake(c);
  pair.run([] { return false; }, 300ms);
  EXPECT_FALSE(tap.where([&](const SeenPacket& p) { return to_preferred(p) && p.has<StreamFrame>(); }).empty());
}

// rfc9000:9.6.1-failed
TEST(preferred_rules, a_client_that_gets_no_answer_stays) {
  Pair pair({.server = {.connection = {.preferred_ipv4 = kPreferred}}});
  pair.server_address = kOriginal;
  WireTap tap(pair);
  pair.drop = [&](bool to_server, Bytes) { return to_server && tap.packets().back().tuple.remote == kPreferred; };
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  pair.run([] { return false; }, 10s);
  EXPECT_EQ(c.tuple().remote, kOriginal);
  tap.clear();
  const StreamId id = c.open_stream(false).value();
  echo(c, id, pattern(5'000));
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }));
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.to_server) EXPECT_EQ(packet.tuple.remote, kOriginal);
  }
}

// rfc9000:9.6.2-this-connection-only
TEST(preferred_rules, the_next_connection_goes_to_the_original_address) {
  Pair pair({.server = {.connection = {.preferred_ipv4 = kPreferred}}});
  pair.server_address = kOriginal;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.tuple().remote == kPreferred; }));
  WireTap tap(pair);
  pair.recorder = {};
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
  const auto initials = tap.where([](const SeenPacket& p) { return p.to_server && p.type == PacketType::kInitial; });
  ASSERT_FALSE(initials.empty());
  for (const SeenPacket* initial : initials) EXPECT_EQ(initial->tuple.remote, kOriginal);
}

// A server with a preferred address, and a liar in the place of its client.
struct ServerStage : Theatre {
  ServerStage()
      : Theatre({.client = {.use_preferred_address = false}, .server = {.preferred_ipv4 = kPreferred}}), tap(*this) {
    open();
    pass(1s);
    silence(kC);
    tap.clear();
  }
  void say(const std::string& frames_hex, const SocketAddress& from = kClientAddress) {
    inject_on(kC, forge(kC, {.frames_hex = frames_hex}), {.local = kPreferred, .remote = from});
  }
  std::vector<const SeenPacket*> challenges(const FourTuple& tuple) {
    return tap.where([&](const SeenPacket& p) { return p.tuple == tuple && p.has<PathChallengeFrame>(); });
  }
  WireTap tap;
};

// rfc9000:9.6.2-server-waits rfc9000:9.6.2-server-probes
// rfc9000:9.6.3-server-validates
TEST(preferred_rules, a_server_asks_too_before_it_speaks_from_there) {
  ServerStage stage;
  const FourTuple there{.local = kPreferred, .remote = kClientAddress};
  stage.say(kPing);
  ASSERT_FALSE(stage.challenges(there).empty());
  stage.server->ping();
  stage.server_endpoint->wake(*stage.server);
  stage.pass(1ms);
  EXPECT_EQ(stage.server->tuple().local, kOriginal);
  std::size_t others = 0;
  for (const SeenPacket& packet : stage.tap.packets()) {
    if (packet.to_server || only_probes(packet)) continue;
    EXPECT_EQ(packet.tuple.local, kOriginal);
    ++others;
  }
  EXPECT_GT(others, 0u);
  stage.say(answer_to(*stage.challenges(there).back()));
  EXPECT_EQ(stage.server->tuple(), there);
}

// rfc9000:9.6.3-protect
TEST(preferred_rules, another_client_address_there_is_one_more_move) {
  ServerStage stage;
  const SocketAddress away = ipv4_address({10, 0, 0, 99}, 7'777);
  const FourTuple there{.local = kPreferred, .remote = kClientAddress};
  const FourTuple further{.local = kPreferred, .remote = away};
  stage.say(kPing);
  stage.say(answer_to(*stage.challenges(there).back()));
  ASSERT_EQ(stage.server->tuple(), there);
  stage.tap.clear();
  stage.say(kPing, away);
  EXPECT_EQ(stage.server->tuple(), further);
  EXPECT_FALSE(stage.challenges(further).empty());
  EXPECT_FALSE(stage.challenges(there).empty());
  stage.pass(5s);
  EXPECT_EQ(stage.server->tuple(), there) << "nobody answered";
}

// rfc9000:21.5.6-loopback rfc9000:21.5.6-not-refused rfc9000:9.6.3-same-family
TEST(preferred_rules, a_client_follows_to_its_own_family_and_never_from_elsewhere_to_itself) {
  const SocketAddress here = ipv4_address({127, 0, 0, 1}, 443);
  const SocketAddress within = ipv4_address({192, 168, 7, 7}, 443);
  SocketAddress six{.port = 443, .family = AddressFamily::kIpv6};
  six.ip[15] = 2;
  struct Case {
    SocketAddress original, ipv4, ipv6, expected;
  };
  const Case cases[] = {{kOriginal, here, {}, kOriginal},
                        {ipv4_address({127, 0, 0, 1}, 4'443), here, {}, here},
                        {kOriginal, within, {}, within},
                        {kOriginal, {}, six, kOriginal},
                        {kOriginal, kPreferred, six, kPreferred}};
  for (const Case& at : cases) {
    Pair pair({.server = {.connection = {.preferred_ipv4 = at.ipv4, .preferred_ipv6 = at.ipv6}}});
    pair.server_address = at.original;
    WireTap tap(pair);
    Connection& c = pair.connect();
    ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
    pair.run([] { return false; }, 5s);
    const auto to_others = tap.where([&](const SeenPacket& p) { return p.to_server && p.tuple.remote != at.original; });
    EXPECT_EQ(to_others.empty(), at.expected == at.original) << to_string(at.expected);
    for (const SeenPacket* packet : to_others) EXPECT_EQ(packet->tuple.remote, at.expected);
  }
}

}  // namespace
}  // namespace hawser::quic
