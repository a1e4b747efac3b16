// commands_test.cc: goal: the command line of `serve` and `get` takes what people type, and
// wrong use ends with 2 and a sentence; the development certificate is kept and renewed.
// Method: CLI11 parses words that fail before anything is sent or served.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "count_option.h"
#include "engine_options.h"
#include "extension_options.h"
#include "get_command.h"
#include "get_options.h"
#include "serve_certificate.h"
#include "serve_command.h"
#include "time_option.h"
#include "worker_options.h"

namespace hawser::app {
namespace {

struct Outcome {
  int exit_code = -1;  // -1: the words could not be parsed
  std::string complaint;
};

Outcome run(std::vector<std::string> words) {
  CLI::App app;
  int exit_code = 0;
  add_get_command(app, exit_code);
  add_serve_command(app, exit_code);
  std::reverse(words.begin(), words.end());  // as CLI11 wants a vector
  testing::internal::CaptureStderr();
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    exit_code = -1;
  }
  return {exit_code, testing::internal::GetCapturedStderr()};
}

TEST(commands, engine_is_one_of_those_that_there_are) {
  EXPECT_EQ(run({"get", "--engine", "kqueue", "https://h.example/"}).exit_code, -1);
  EXPECT_EQ(run({"get", "--spin", "-1", "https://h.example/"}).exit_code, -1);
  EXPECT_EQ(run({"get", "--uring-copy", "twice", "https://h.example/"}).exit_code, -1);
  CLI::App command;
  EngineArguments arguments;
  add_engine_options(command, arguments);
  command.parse("--engine epoll --spin 1000 --uring-copy zero-copy");
  EXPECT_EQ(arguments.engine.io_uring.zero_copy, net::UringZeroCopy::kZeroCopy);
  EXPECT_EQ(arguments.engine.kind, net::EngineKind::kEpoll);
  EXPECT_EQ(arguments.spin, 1ms);
}

TEST(commands, times_are_seconds_up_to_a_year) {
  for (const char* const count : {"1e10", "31536001", "-1", "nan", "inf", "soon"}) {
    for (const char* const option : {"-m", "--connect-timeout"})
      EXPECT_EQ(run({"get", option, count, "https://h.example/"}).exit_code, -1) << option << " " << count;
    for (const char* const option : {"--grace", "--idle-timeout", "--handshake-timeout", "--stall-timeout"})
      EXPECT_EQ(run({"serve", option, count}).exit_code, -1) << option << " " << count;
  }
  CLI::App command;
  double given = 0;
  command.add_option("-m", given)->check(is_seconds());
  command.parse("-m 31536000");
  EXPECT_EQ(seconds(given), 8'760h);
  command.parse("-m 0.25");
  EXPECT_EQ(seconds(given), 250ms);
  try {
    command.parse("-m 1e10");
    FAIL() << given;
  } catch (const CLI::ParseError& error) {
    EXPECT_STREQ(error.what(), "-m: \"1e10\" is no time: give 0 to 31536000 seconds");
  }
}

// CLI11 takes -1 for 2^64 - 1 and what does not fit for the most there is.
TEST(commands, counts_are_figures_that_fit) {
  const std::vector<std::vector<std::string>> all = {{"load", "-n"},
                                                     {"load", "-c"},
                                                     {"load", "-m"},
                                                     {"load", "--requests-per-connection"},
                                                     {"get", "--key-update"},
                                                     {"get", "--max-redirs"},
                                                     {"sim", "--seed"},
                                                     {"sim", "--runs"},
                                                     {"serve", "--retry-mark"},
                                                     {"serve", "--handshake-memory"},
                                                     {"serve", "--stream-memory"}};
  for (const std::vector<std::string>& option : all)
    for (const char* const count : {"-1", "99999999999999999999", "many", "1.5", ""})
      EXPECT_EQ(run({option[0].c_str(), option[1].c_str(), count, "https://h.example/"}).exit_code, -1)
          << option[1] << " '" << count << "'";
  for (const char* const count : {"0", "-2", "nan", "1e13"})
    for (const char* const option : {"--rate", "--rps"})
      EXPECT_EQ(run({"load", option, count, "-D", "1", "https://h.example/"}).exit_code, -1) << option << " " << count;
  EXPECT_EQ(run({"serve", "--handshake-memory", "256", "--dev-cert"}).exit_code, -1) << "its unit was forgotten";
  EXPECT_EQ(run({"serve", "--handshake-timeout", "0", "--dev-cert"}).exit_code, -1) << "nobody could connect";
  CLI::App command;
  std::uint64_t given = 0;
  command.add_option("--seed", given)->check(is_count(1, 64));
  command.parse("--seed 0x1f");
  EXPECT_EQ(given, 31u);
  try {
    command.parse("--seed 65");
    FAIL() << given;
  } catch (const CLI::ParseError& error) {
    EXPECT_STREQ(error.what(), "--seed: \"65\" is no such number: give 1 to 64");
  }
}

TEST(commands, extensions_are_off_until_they_are_asked_for) {
  EXPECT_EQ(run({"get", "--spin-bit", "sometimes", "https://h.example/"}).exit_code, -1);
  EXPECT_EQ(run({"serve", "--receive-timestamps", "64", "--dev-cert"}).exit_code, -1);
  EXPECT_EQ(run({"serve", "--fec", "much", "--dev-cert"}).exit_code, -1);
  CLI::App command;
  ExtensionArguments arguments;
  add_spin_bit_option(command, arguments);
  add_receive_timestamps_option(command, arguments);
  add_observe_addresses_option(command, arguments);
  add_fec_option(command, arguments);
  quic::ConnectionConfig config;
  apply(arguments, config);
  EXPECT_EQ(config, quic::ConnectionConfig{});
  command.parse("--spin-bit random --receive-timestamps 63 --observe-addresses --fec xor:8");
  apply(arguments, config);
  EXPECT_EQ(config.spin_bit, quic::SpinBitPolicy::kRandom);
  EXPECT_EQ(config.receive_timestamps, 63u);
  EXPECT_EQ(config.address_discovery, quic::AddressDiscovery::kProvide);
  EXPECT_EQ(to_string(config.fec), "xor:8");
}

TEST(commands, workers_are_counted_and_steered_by_what_there_is) {
  EXPECT_EQ(run({"serve", "--workers", "257", "--dev-cert"}).exit_code, -1);
  EXPECT_EQ(run({"serve", "--steering", "magic", "--dev-cert"}).exit_code, -1);
  CLI::App command;
  std::size_t workers = 1;
  bool pin = false;
  auto steering = net::SteeringMethod::kAuto;
  add_worker_options(command, workers, pin);
  add_steering_option(command, steering);
  command.parse("--workers 3 --pin --steering cbpf");
  EXPECT_EQ(workers, 3u);
  EXPECT_TRUE(pin);
  EXPECT_EQ(steering, net::SteeringMethod::kClassic);
}

TEST(commands, af_xdp_options_are_read_and_odd_ones_refused) {
  CLI::App command;
  EngineArguments arguments;
  add_engine_options(command, arguments);
  command.parse(
      "--engine af_xdp --xdp-interface eth0 --xdp-interface eth1 --xdp-queue 3 --xdp-mode generic --xdp-copy zero-copy "
      "--xdp-frames 512");
  const net::AfXdpOptions& options = arguments.engine.af_xdp;
  EXPECT_EQ(arguments.engine.kind, net::EngineKind::kAfXdp);
  EXPECT_EQ(options.interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  EXPECT_EQ(options.queues, std::vector<std::uint32_t>{3});
  EXPECT_EQ(options.mode, net::XdpMode::kGeneric);
  EXPECT_EQ(options.zero_copy, net::XdpZeroCopy::kZeroCopy);
  EXPECT_EQ(options.frames, 512u);
  EXPECT_EQ(run({"get", "--xdp-mode", "fast", "https://h.example/"}).exit_code, -1);
  // No power of two.
  EXPECT_TRUE(net::why_not(net::EngineKind::kAfXdp, {.af_xdp = {.frames = 500}}).has_value());
}

TEST(commands, options_of_get_take_one_word_each) {
  // Both -o take one word, so one URL is left for two outputs.
  const Outcome outcome = run({"get", "-o", "a", "-o", "b", "h"});
  EXPECT_EQ(outcome.exit_code, kGetUsage);
  EXPECT_NE(outcome.complaint.find("more -o than URLs"), std::string::npos) << outcome.complaint;
  // A single dash is a value: of -C here, which then misses its file.
  EXPECT_NE(run({"get", "-C", "-", "h"}).complaint.find("-C - needs a file"), std::string::npos);
  EXPECT_EQ(run({"get", "-sSo", "/dev/null", "-H", "no colon", "h"}).exit_code, kGetUsage);
}

TEST(commands, wrong_use_is_2_and_says_what_to_write) {
  EXPECT_NE(run({"get"}).complaint.find("https://HOST/PATH"), std::string::npos);
  EXPECT_EQ(run({"get", "--no-such-option"}).exit_code, -1);
  Outcome outcome = run({"serve", "127.0.0.1:0"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.complaint.find("--dev-cert"), std::string::npos) << outcome.complaint;
  outcome = run({"serve", "--cert", "x"});
  EXPECT_NE(outcome.complaint.find("--key FILE"), std::string::npos) << outcome.complaint;
  EXPECT_EQ(run({"serve", "--dev-cert", "--cert", "x", "--key", "y"}).exit_code, 2);
  EXPECT_EQ(run({"serve", "nonsense:port", "--cert", "x", "--key", "y"}).exit_code, 2);
  EXPECT_EQ(run({"serve", "--cc", "none", "--cert", "x", "--key", "y"}).exit_code, 2);
  EXPECT_NE(run({"serve", "--cert", "/no/such", "--key", "/no/such"}).complaint.find("/no/such"), std::string::npos);
}

TEST(serve_certificate, is_kept_until_its_last_day) {
  const std::string folder = testing::TempDir() + "hawser_dev_certificate";
  std::filesystem::remove_all(folder);
  constexpr std::int64_t kNow = 1'800'000'000;
  const KeptCertificate first = keep_dev_certificate(folder, kNow).value();
  EXPECT_TRUE(first.minted);
  struct stat status{};
  ASSERT_EQ(stat(first.key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const KeptCertificate second = keep_dev_certificate(folder, kNow + 11 * 86'400).value();
  EXPECT_FALSE(second.minted);
  EXPECT_EQ(second.certificate.sha256, first.certificate.sha256);
  EXPECT_EQ(second.certificate.spki_sha256_base64, first.certificate.spki_sha256_base64);
  const KeptCertificate third = keep_dev_certificate(folder, kNow + 12 * 86'400).value();
  EXPECT_TRUE(third.minted);
  EXPECT_NE(third.certificate.sha256, first.certificate.sha256);
  // Half a pair is as good as none.
  std::filesystem::remove(third.key_file);
  EXPECT_TRUE(keep_dev_certificate(folder, kNow + 12 * 86'400).value().minted);
}

TEST(serve_certificate, is_made_anew_where_the_key_is_of_another) {
  const std::string folder = testing::TempDir() + "hawser_dev_certificate_mixed";
  std::filesystem::remove_all(folder);
  constexpr std::int64_t kNow = 1'800'000'000;
  const KeptCertificate first = keep_dev_certificate(folder, kNow).value();
  for (const std::string& key : {quic::mint_dev_certificate({})->key_pem, std::string("no key")}) {
    std::ofstream(first.key_file, std::ios::trunc) << key;
    const KeptCertificate anew = keep_dev_certificate(folder, kNow).value();
    EXPECT_TRUE(anew.minted);
    EXPECT_FALSE(keep_dev_certificate(folder, kNow).value().minted);
  }
}

TEST(serve_certificate, is_made_once_by_many_who_start_at_a_time) {
  const std::string folder = testing::TempDir() + "hawser_dev_certificate_at_once";
  std::filesystem::remove_all(folder);
  constexpr std::size_t kStarts = 8;
  std::vector<KeptCertificate> kept(kStarts);
  {
    std::vector<std::jthread> threads;
    for (KeptCertificate& one : kept)
      threads.emplace_back([&one, &folder] { one = keep_dev_certificate(folder, 1'800'000'000).value(); });
  }
  int minted = 0;
  for (const KeptCertificate& one : kept) {
    minted += one.minted;
    EXPECT_EQ(one.certificate.sha256, kept[0].certificate.sha256);
  }
  EXPECT_EQ(minted, 1);
}

TEST(serve_certificate, tells_what_chromium_needs) {
  KeptCertificate kept;
  kept.certificate.spki_sha256_base64 = "AAAA=";
  kept.chain_file = "/c.pem";
  const std::string text = describe_dev_certificate(kept, "localhost", 4'433);
  EXPECT_NE(text.find("--origin-to-force-quic-on=localhost:4433 --ignore-certificate-errors-spki-list=AAAA="),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("hawser get --cacert /c.pem https://localhost:4433/"), std::string::npos) << text;
  EXPECT_NE(text.find("SHA-256 " + std::string(64, '0')), std::string::npos) << text;
}

}  // namespace
}  // namespace hawser::app
