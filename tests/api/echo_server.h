// echo_server.h: for tests of the public API: a server in this process that sends each datagram back.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hawser/datagram_client.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/runtime.h"

namespace hawser::testing {

namespace fs = std::filesystem;

class Echo final : public quic::AcceptHandler, public quic::ConnectionHandler {
 public:
  quic::ConnectionHandler* on_accept(quic::Connection&) override { return this; }
  void on_datagram(quic::Connection& connection, Bytes payload) override {
    if (as_text(payload) == "close") return connection.close(7, "as asked");
    (void)connection.send_datagram(payload);
  }
};

class EchoServer : public ::testing::Test {
 protected:
  // What the server offers, and where it listens.
  struct Offer {
    std::uint64_t max_datagram_frame_size = quic::kAnyDatagramFrame;
    std::uint64_t max_paths = 0;
    quic::FecConfig fec{};
    SocketAddress local = ipv4_address({127, 0, 0, 1}, 0);
  };

  void SetUp() override { start({}); }
  void TearDown() override {
    client_runtime_.reset();
    if (runtime_ == nullptr) return;
    runtime_->stop();
    runtime_->join();
    fs::remove_all(folder_);
  }

  // The threads of both ends belong to the network namespace of the caller.
  void start(const Offer& offer) {
    start_server(offer);
    client_runtime_ = Runtime::create().value();
  }
  void start_server(const Offer& offer) {
    std::string pattern = (fs::temp_directory_path() / "hawser-datagrams-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const auto certificate =
        quic::mint_dev_certificate({.names = {"localhost"}, .not_before_s = std::time(nullptr) - 60}).value();
    std::ofstream(folder_ / "ca.pem") << certificate.certificate_pem;
    tls_.emplace(quic::TlsServerContext::create({.common = {.alpn = {"echo"}},
                                                 .certificates = {{.chain = octets(certificate.certificate_pem),
                                                                   .key = octets(certificate.key_pem)}}})
                     .value());
    runtime_ = runtime::Runtime::create().value();
    const auto make = [&](runtime::Worker& worker) -> std::unique_ptr<runtime::DatagramProtocol> {
      quic::EndpointConfig config{.tls = &*tls_, .accept = &echo_};
      config.connection.max_datagram_frame_size = offer.max_datagram_frame_size;
      config.connection.max_paths = offer.max_paths;
      config.connection.fec = offer.fec;
      return std::make_unique<runtime::EndpointProtocol>(worker, std::move(config));
    };
    const auto bound = runtime_->listen({.local = offer.local}, make);
    ASSERT_TRUE(bound.has_value()) << bound.error().message;
    port_ = std::to_string(bound->port);
  }

  static std::vector<std::uint8_t> octets(std::string_view text) { return {text.begin(), text.end()}; }
  [[nodiscard]] DatagramClientOptions options() const {
    return {.server = "localhost:" + port_,
            .alpn = "echo",
            .connect_to = "127.0.0.1:" + port_,
            .ca_file = (folder_ / "ca.pem").string()};
  }
  std::unique_ptr<DatagramClient> connected() { return connected(options()); }
  std::unique_ptr<DatagramClient> connected(const DatagramClientOptions& options) {
    auto client = DatagramClient::connect(*client_runtime_, options);
    if (!client) ADD_FAILURE() << client.error().message;
    return std::move(client.value());
  }

  fs::path folder_;
  std::string port_;
  Echo echo_;
  std::optional<quic::TlsServerContext> tls_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<Runtime> client_runtime_;
};

inline constexpr unsigned kPatience = 10'000;  // ms; for a machine that is busy with other things

}  // namespace hawser::testing
