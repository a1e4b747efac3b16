// tls_context_test.cc: goal: configuration mistakes are told in words, key logs, development
// certificates and seeded randomness work. Method: each mistake once, each artefact read back.
#include "quic/tls/tls_context.h"

#include <cstdio>

#include "quic/tls/deterministic_random.h"
#include "quic/tls/tls_test_peers.h"

namespace hawser::quic {
namespace {

std::string server_error(const TlsServerOptions& options) {
  const auto context = TlsServerContext::create(options);
  return context.has_value() ? "" : context.error().message;
}

std::string client_error(const TlsClientOptions& options) {
  const auto context = TlsClientContext::create(options);
  return context.has_value() ? "" : context.error().message;
}

TEST(tls_context, mistakes_are_named) {
  auto s = server_options();
  s.common.alpn.clear();
  EXPECT_NE(server_error(s).find("alpn"), std::string::npos);
  s = server_options();
  s.common.alpn = {std::string(256, 'x')};
  EXPECT_NE(server_error(s).find("1 to 255"), std::string::npos);
  s = server_options();
  s.certificates.clear();
  EXPECT_NE(server_error(s).find("at least one"), std::string::npos);
  s = server_options();
  s.certificates[0] = {
      .chain_file = "/nonexistent/chain.pem", .key_file = "/nonexistent/key.pem", .chain = {}, .key = {}};
  EXPECT_NE(server_error(s).find("/nonexistent/chain.pem: cannot be read"), std::string::npos);
  s = server_options();
  s.certificates[0].key = octets_of("nothing");
  EXPECT_NE(server_error(s).find("private key"), std::string::npos);
  s = server_options();
  s.certificates[0].chain = octets_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_NE(server_error(s).find("no readable"), std::string::npos);
  s = server_options();
  s.certificates[0].key = octets_of(mint_dev_certificate({})->key_pem);
  EXPECT_NE(server_error(s).find("does not belong"), std::string::npos);
  s = server_options();
  s.tickets = 9;
  EXPECT_NE(server_error(s).find("0 to 8"), std::string::npos);
  s = server_options();
  s.ticket_secret = Octets(31, 1);
  EXPECT_NE(server_error(s).find("32 octets"), std::string::npos);
  auto c = client_options();
  c.common.groups = "X25519:nonsense";
  EXPECT_NE(client_error(c).find("X25519:nonsense"), std::string::npos);
  c = client_options();
  c.trust.ca_file = "/nonexistent/ca.pem";
  EXPECT_NE(client_error(c).find("/nonexistent/ca.pem"), std::string::npos);
  c = client_options();
  c.trust.ca = octets_of("garbage");
  EXPECT_NE(client_error(c).find("CA in memory"), std::string::npos);
  EXPECT_EQ(server_error(server_options()), "");
  EXPECT_EQ(client_error(client_options()), "");
}

TEST(tls_context, certificates_load_from_files_as_from_memory) {
  const std::string folder = testing::TempDir();
  const auto write = [&](const char* name, const std::string& text) {
    const std::string path = folder + name;
    std::FILE* file = std::fopen(path.c_str(), "wb");
    EXPECT_NE(file, nullptr);
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    std::fclose(file);
    return path;
  };
  const std::string chain = write("hawser_tls_test_chain.pem", test_certificate().certificate_pem);
  const std::string key = write("hawser_tls_test_key.pem", test_certificate().key_pem);
  auto for_server = server_options();
  for_server.certificates = {{.chain_file = chain, .key_file = key, .chain = {}, .key = {}}};
  auto for_client = client_options();
  for_client.trust.ca.clear();
  for_client.trust.ca_file = chain;
  const auto server_from = server_context(for_server);
  const auto client_from = client_context(for_client);
  Handshake h(client_from, server_from);
  EXPECT_TRUE(h.run()) << h.client->failure();
  std::remove(chain.c_str());
  std::remove(key.c_str());
}

TEST(tls_context, key_log_lines_reach_their_sink) {
  std::vector<std::string> lines;
  auto options = client_options();
  options.common.key_log = [](void* to, std::string_view line) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(line);
  };
  options.common.key_log_context = &lines;
  const auto server_from = server_context();
  auto moved = client_context(options);
  const auto client_from = std::move(moved);
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  const Heard* secret = h.client_handler.secret(EncryptionLevel::kOneRtt, SecretDirection::kWrite);
  bool found = false;
  for (const std::string& line : lines) {
    found |= line.starts_with("CLIENT_TRAFFIC_SECRET_0 ") && line.ends_with(to_hex(secret->secret));
  }
  EXPECT_TRUE(found);
}

TEST(dev_certificate, says_of_itself_what_browsers_ask) {
  const auto minted = mint_dev_certificate({.names = {"localhost", "::1", "*.example.net"}, .not_before_s = kNow});
  ASSERT_TRUE(minted.has_value());
  EXPECT_EQ(minted->not_after_s, kNow + 13 * 86'400);
  EXPECT_EQ(minted->spki_sha256_base64.size(), 44u);
  const auto read = read_certificate(minted->certificate_pem);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->not_after_s, minted->not_after_s);
  EXPECT_EQ(read->sha256, minted->sha256);
  EXPECT_EQ(read->spki_sha256_base64, minted->spki_sha256_base64);
  EXPECT_NE(mint_dev_certificate({.not_before_s = kNow})->sha256, minted->sha256);
}

TEST(dev_certificate, refuses_what_is_no_name) {
  EXPECT_FALSE(mint_dev_certificate({.names = {}}).has_value());
  EXPECT_FALSE(mint_dev_certificate({.names = {"a,DNS:b"}}).has_value());
  EXPECT_FALSE(mint_dev_certificate({.names = {""}}).has_value());
  EXPECT_FALSE(mint_dev_certificate({.not_before_s = kNow, .validity_s = 0}).has_value());
  EXPECT_FALSE(read_certificate("nothing").has_value());
}

TEST(deterministic_random, a_seed_replays_a_handshake) {
  const auto run = [](std::uint64_t seed) {
    const DeterministicTlsRandom guard(seed);
    const auto server_from = server_context();
    const auto client_from = client_context();
    Handshake h(client_from, server_from);
    EXPECT_TRUE(h.run());
    return std::pair(h.client_handler.secrets.at(0).secret, h.server_handler.secrets.back().secret);
  };
  (void)test_certificate();  // minted outside of any seed
  const auto first = run(5);
  EXPECT_EQ(run(5), first);
  EXPECT_NE(run(6), first);
}

}  // namespace
}  // namespace hawser::quic
