// served.h: for tests of the public API: a server in this process on a free loopback port.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hawser/http3_client.h"
#include "quic/tls/dev_certificate.h"
#include "runtime/http_server.h"
#include "runtime/runtime.h"

namespace hawser::testing {

namespace fs = std::filesystem;

// Serves one folder for the life of a test.
class Served : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "hawser-api-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(folder_ / "hello.txt") << "hello";
    std::ofstream(folder_ / "large.bin") << std::string(3'000'000, 'x');
    const auto certificate =
        hawser::quic::mint_dev_certificate({.names = {"localhost"}, .not_before_s = std::time(nullptr) - 60}).value();
    std::ofstream(folder_ / "ca.pem") << certificate.certificate_pem;
    runtime_ = hawser::runtime::Runtime::create().value();
    hawser::runtime::HttpServerOptions options;
    options.udp.local = hawser::ipv4_address({127, 0, 0, 1}, 0);
    options.tls.certificates.push_back(
        {.chain = octets(certificate.certificate_pem), .key = octets(certificate.key_pem)});
    options.files.root = folder_.string();
    configure(options);
    auto server = hawser::runtime::HttpServer::start(*runtime_, std::move(options));
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
    port_ = std::to_string(server_->local_address().port);
  }
  void TearDown() override {
    runtime_->stop();
    runtime_->join();
    server_.reset();
    fs::remove_all(folder_);
  }

  virtual void configure(hawser::runtime::HttpServerOptions& options) {
    options.connection.address_discovery = hawser::quic::AddressDiscovery::kProvide;
    options.connection.receive_timestamps = 63;
  }

  static std::vector<std::uint8_t> octets(std::string_view text) { return {text.begin(), text.end()}; }
  hawser::http3::ClientOptions options() const {
    return {.authority = "localhost:" + port_,
            .connect_to = "127.0.0.1:" + port_,
            .ca_file = (folder_ / "ca.pem").string()};
  }

  fs::path folder_;
  std::string port_;
  std::unique_ptr<hawser::runtime::Runtime> runtime_;
  std::unique_ptr<hawser::runtime::HttpServer> server_;
};

}  // namespace hawser::testing
