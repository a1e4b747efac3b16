// interop_plan_test.cc: goal: the interop runner's environment becomes the right command lines, and what cannot be
// done is refused as the runner expects. Method: environments as maps; nothing runs.
#include "interop_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "net/address.h"

namespace hawser::app {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

std::expected<InteropPlan, InteropRefusal> plan(const Variables& variables, const InteropFolders& folders = {}) {
  return plan_interop(
      [&](std::string_view name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
      },
      folders);
}

bool has(const std::vector<std::string>& words, const std::vector<std::string>& part) {
  return std::ranges::search(words, part).begin() != words.end();
}

TEST(interop_plan, server_takes_files_and_certificate_from_where_the_runner_puts_them) {
  const auto made = plan({{"ROLE", "server"}, {"TESTCASE", "transfer"}, {"QLOGDIR", "/logs"}});
  ASSERT_TRUE(made);
  ASSERT_EQ(made->runs.size(), 1u);
  const auto& words = made->runs[0];
  EXPECT_EQ(words[0], "serve");
  EXPECT_EQ(words[1], "[::]:443");
  EXPECT_TRUE(has(words, {"--root", "/www"}) && has(words, {"--cert", "/certs/cert.pem"}) &&
              has(words, {"--key", "/certs/priv.key"}) && has(words, {"--qlog", "/logs"}));
  EXPECT_FALSE(has(words, {"--retry"}));
}

TEST(interop_plan, client_fetches_all_over_one_connection_but_where_the_case_wants_many) {
  Variables variables = {{"ROLE", "client"}, {"TESTCASE", "transfer"}, {"REQUESTS", "https://a/1  https://a/2\n"}};
  auto made = plan(variables);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->runs.size(), 1u);
  EXPECT_TRUE(has(made->runs[0], {"--hq"}) && has(made->runs[0], {"-O", "https://a/1", "https://a/2"}));
  variables["TESTCASE"] = "multiconnect";
  made = plan(variables);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->runs.size(), 2u);
  EXPECT_EQ(made->runs[1].back(), "https://a/2");
}

TEST(interop_plan, a_second_visit_begins_with_what_the_first_one_left) {
  for (const bool early : {false, true}) {
    const auto made = plan({{"ROLE", "client"},
                            {"TESTCASE", early ? "zerortt" : "resumption"},
                            {"REQUESTS", "https://a/1 https://a/2 https://a/3"}});
    ASSERT_TRUE(made);
    ASSERT_EQ(made->runs.size(), 2u);
    EXPECT_TRUE(has(made->runs[0], {"-O", "https://a/1"}) && !has(made->runs[0], {"https://a/2"}));
    EXPECT_TRUE(has(made->runs[1], {"-O", "https://a/2", "https://a/3"}));
    for (const auto& words : made->runs) {
      EXPECT_TRUE(has(words, {"--session-file", "/tmp/hawser-interop-sessions"}));
      EXPECT_EQ(has(words, {"--early-data"}), early);
    }
  }
  EXPECT_TRUE(has(plan({{"ROLE", "server"}, {"TESTCASE", "zerortt"}})->runs[0], {"--early-data"}));
}

TEST(interop_plan, cases_have_the_options_that_they_are_about) {
  const auto words = [](const char* role, const char* test) {
    return plan({{"ROLE", role}, {"TESTCASE", test}, {"REQUESTS", "https://a/1"}}).value().runs[0];
  };
  EXPECT_TRUE(has(words("server", "retry"), {"--retry"}));
  EXPECT_FALSE(has(words("client", "retry"), {"--retry"}));
  EXPECT_FALSE(has(words("client", "http3"), {"--hq"}));
  EXPECT_TRUE(has(words("client", "chacha20"), {"--tls-cipher", "chacha20"}));
  EXPECT_TRUE(has(words("client", "keyupdate"), {"--key-update"}));
  EXPECT_TRUE(has(words("server", "v2"), {"--quic-version", "2,1"}));
}

TEST(interop_plan, the_server_of_connectionmigration_prefers_other_addresses) {
  const InteropFolders folders{.preferred = {"192.0.2.7:4443", "[2001:db8::7]:4443"}};
  const auto served = plan({{"ROLE", "server"}, {"TESTCASE", "connectionmigration"}}, folders);
  ASSERT_TRUE(served);
  EXPECT_TRUE(has(served->runs[0], {"--preferred-address", "192.0.2.7:4443"}));
  EXPECT_TRUE(has(served->runs[0], {"--preferred-address", "[2001:db8::7]:4443"}));
  EXPECT_FALSE(has(plan({{"ROLE", "server"}, {"TESTCASE", "transfer"}}, folders)->runs[0], {"--preferred-address"}));
  const Variables client{{"ROLE", "client"}, {"TESTCASE", "connectionmigration"}, {"REQUESTS", "https://a/1"}};
  EXPECT_TRUE(has(plan(client).value().runs[0], {"-O", "https://a/1"}));
  const auto nowhere = plan({{"ROLE", "server"}, {"TESTCASE", "connectionmigration"}});
  EXPECT_TRUE(!nowhere && nowhere.error().exit_code == 2);
}

TEST(interop_plan, an_address_to_prefer_is_one_that_others_reach) {
  net::LocalNetworks networks;
  networks.interfaces = {{.index = 1, .name = "lo", .running = true},
                         {.index = 2, .name = "eth0", .running = true},
                         {.index = 3, .name = "eth1", .running = false}};
  const auto add = [&](std::uint32_t interface, const char* text) {
    networks.addresses.push_back({.address = net::parse_ip(text), .interface = interface, .ready = true});
  };
  add(1, "127.0.0.1");
  add(1, "::1");
  add(3, "198.51.100.9");
  EXPECT_TRUE(preferred_addresses(networks).empty());
  add(2, "169.254.3.3");
  add(2, "193.167.100.100");
  add(2, "fe80::1");
  EXPECT_EQ(preferred_addresses(networks), std::vector<std::string>{"193.167.100.100:4443"});
  add(2, "fd00:cafe:cafe:100::100");
  add(2, "fd00:cafe:cafe:100::101");
  EXPECT_EQ(preferred_addresses(networks),
            (std::vector<std::string>{"193.167.100.100:4443", "[fd00:cafe:cafe:100::100]:4443"}));
}

TEST(interop_plan, what_it_cannot_do_ends_with_127_and_a_wrong_environment_with_2) {
  EXPECT_EQ(plan({{"ROLE", "server"}, {"TESTCASE", "telepathy"}}).error().exit_code, 127);
  for (const Variables& variables : std::initializer_list<Variables>{{{"TESTCASE", "transfer"}},
                                                                     {{"ROLE", "proxy"}, {"TESTCASE", "transfer"}},
                                                                     {{"ROLE", "server"}},
                                                                     {{"ROLE", "client"}, {"TESTCASE", "transfer"}}}) {
    const auto made = plan(variables);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().exit_code, 2);
    EXPECT_NE(made.error().message.find("set"), std::string::npos) << made.error().message;
  }
}

}  // namespace
}  // namespace hawser::app
