// serve_get_test.cc: goal: files come through a real server and a real client over loopback as
// they are, and errors have curl's exit codes. Method: the server of `hawser serve` in this
// process on a free port, and `hawser get` run against it with checked options.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/random.h"
#include "first_answer.h"
#include "get_options.h"
#include "get_run.h"
#include "net/address.h"
#include "net/udp_socket.h"
#include "quic/tls/dev_certificate.h"
#include "runtime/clock.h"
#include "runtime/http_server.h"

namespace hawser::app {
namespace {

std::string random_text(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  SeededRandom random{seed};
  random.fill({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

class ServeGetTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hawser-serve-XXXXXX";
    folder_ = mkdtemp(name);
    std::filesystem::create_directories(site() + "/sub");
    write_file(site() + "/a.txt", "0123456789");
    write_file(site() + "/sub/index.html", "<p>index");
    write_file(folder_ + "/outside.txt", "outside");
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto certificate = quic::mint_dev_certificate({.not_before_s = now.tv_sec - 60}).value();
    const auto stranger = quic::mint_dev_certificate({.not_before_s = now.tv_sec - 60}).value();
    write_file(ca(), certificate.certificate_pem);
    write_file(key(), certificate.key_pem);
    write_file(folder_ + "/stranger.pem", stranger.certificate_pem);
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(folder_);
  }

  void serve(runtime::HttpServerOptions options = {}, std::size_t workers = 1, bool with_log = true) {
    if (options.udp.local.family == AddressFamily::kNone) options.udp.local = net::parse_address("127.0.0.1:0").value();
    options.tls.certificates = {{.chain_file = ca(), .key_file = key()}};
    options.files.root = site();
    log_fd_ = ::open((folder_ + "/access.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (with_log) options.access_log_fd = log_fd_;
    runtime_ = runtime::Runtime::create({.workers = workers}).value();
    server_ = runtime::HttpServer::start(*runtime_, std::move(options)).value();
  }
  // The access log is complete afterwards.
  void stop() {
    if (runtime_ == nullptr) return;
    runtime_->stop();
    runtime_->join();
    server_.reset();
    runtime_.reset();
    ::close(log_fd_);
  }

  [[nodiscard]] std::string site() const { return folder_ + "/site"; }
  [[nodiscard]] std::string ca() const { return folder_ + "/ca.pem"; }
  [[nodiscard]] std::string key() const { return folder_ + "/key.pem"; }
  [[nodiscard]] std::string out(int number = 0) const { return folder_ + "/out" + std::to_string(number); }
  [[nodiscard]] std::string url(const std::string& target) const {
    return "https://localhost:" + std::to_string(server_->local_address().port) + target;
  }
  [[nodiscard]] std::string log() const { return read_file(folder_ + "/access.log"); }

  struct Outcome {
    int exit_code = 0;
    std::string shown;  // on standard output: -w, -I
    std::string complaint;
  };
  // `hawser get`, trusting the server's certificate and into out(0), out(1) ... unless the
  // arguments say otherwise.
  Outcome get(GetArguments arguments) {
    if (arguments.ca_file.empty() && !arguments.insecure) arguments.ca_file = ca();
    if (arguments.pinned.empty()) arguments.ipv4 = true;
    for (std::size_t i = arguments.outputs.size(); i < arguments.urls.size(); ++i)
      arguments.outputs.push_back(out(static_cast<int>(i)));
    const auto options = read_get_options(std::move(arguments));
    if (!options) return {.exit_code = options.error().exit_code, .complaint = options.error().message};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome{.exit_code = run_get(*options)};
    outcome.shown = testing::internal::GetCapturedStdout();
    outcome.complaint = testing::internal::GetCapturedStderr();
    return outcome;
  }
  // The status that one request gets, and nothing else about it.
  std::string status_of(const std::string& target, std::vector<std::string> headers = {}) {
    return get({.urls = {url(target)}, .headers = std::move(headers), .write_out = "%{http_code}"}).shown;
  }

  std::string folder_;
  int log_fd_ = -1;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<runtime::HttpServer> server_;
};

// A pager that shows its first page and is left alone until the server has gone.
TEST_F(ServeGetTest, what_had_arrived_when_the_server_went_reaches_a_reader_that_is_late) {
  for (const bool whole : {true, false}) {
    const std::string content = random_text(whole ? 3'000'000 : 60'000'000, 5);  // windows begin at 8 MB
    write_file(site() + "/file.bin", content);
    serve();
    ASSERT_EQ(mkfifo(out().c_str(), 0600), 0);
    const int pipe = ::open(out().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    Outcome outcome;
    std::thread getter([&] { outcome = get({.urls = {url("/file.bin")}}); });
    int waiting = 0;
    const auto arrived = [&] {
      return ::ioctl(pipe, FIONREAD, &waiting) == 0 && waiting >= 30'000;  // a pipe takes 45 KB at least
    };
    for (int i = 0; i < 1'000 && !arrived(); ++i) std::this_thread::sleep_for(10ms);
    std::this_thread::sleep_for(500ms);
    stop();
    std::this_thread::sleep_for(100ms);
    ASSERT_EQ(fcntl(pipe, F_SETFL, 0), 0);
    std::string received;
    std::vector<char> piece(65'536);
    for (ssize_t size = 0; (size = ::read(pipe, piece.data(), piece.size())) > 0;)
      received.append(piece.data(), static_cast<std::size_t>(size));
    getter.join();
    ::close(pipe);
    std::filesystem::remove(out());
    EXPECT_EQ(outcome.exit_code, whole ? kGetOk : kGetPartial) << outcome.complaint;
    EXPECT_GT(received.size(), 1'000'000u);
    EXPECT_TRUE(received == content.substr(0, whole ? content.size() : received.size())) << received.size();
  }
}

TEST_F(ServeGetTest, files_of_every_size_arrive_intact) {
  serve();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1'000'000}, std::size_t{50'000'000}}) {
    const std::string content = random_text(size, size + 1);
    write_file(site() + "/file.bin", content);
    const Outcome outcome =
        get({.urls = {url("/file.bin")}, .write_out = "%{http_code} %{size_download} %{http_version}"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
    EXPECT_EQ(outcome.shown, "200 " + std::to_string(size) + " 3");
    EXPECT_TRUE(std::filesystem::exists(out()));
    EXPECT_TRUE(read_file(out()) == content) << size;
  }
}

TEST_F(ServeGetTest, several_urls_share_one_connection) {
  serve({}, 2);
  GetArguments arguments;
  for (int i = 0; i < 150; ++i) {
    write_file(site() + "/" + std::to_string(i),
               random_text(static_cast<std::size_t>(i) * 97, static_cast<std::uint64_t>(i)));
    arguments.urls.push_back(url("/" + std::to_string(i)));
  }
  arguments.write_out = "%{local_port}\n";
  // More than the 100 streams that a connection may have open at once.
  const Outcome outcome = get(std::move(arguments));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  for (int i = 0; i < 150; ++i) EXPECT_TRUE(read_file(out(i)) == read_file(site() + "/" + std::to_string(i))) << i;
  const std::string port = outcome.shown.substr(0, outcome.shown.find('\n') + 1);
  std::string expected;
  for (int i = 0; i < 150; ++i) expected += port;
  EXPECT_EQ(outcome.shown, expected);
}

TEST_F(ServeGetTest, a_server_that_observes_addresses_tells_those_who_ask) {
  runtime::HttpServerOptions options;
  options.connection.address_discovery = quic::AddressDiscovery::kProvide;
  serve(std::move(options));
  const Outcome told = get({.urls = {url("/a.txt")},
                            .write_out = "%{observed_ip} %{observed_port} %{local_ip} %{local_port}",
                            .verbose = true});
  ASSERT_EQ(told.exit_code, 0) << told.complaint;
  const std::size_t half = told.shown.size() / 2;
  EXPECT_EQ(told.shown.substr(0, half), told.shown.substr(half + 1)) << told.shown;
  EXPECT_NE(told.complaint.find("* the server sees this end as 127.0.0.1:"), std::string::npos) << told.complaint;
  stop();
  serve();
  const Outcome silent =
      get({.urls = {url("/a.txt")}, .write_out = "%{observed_ip} %{observed_port}", .verbose = true});
  EXPECT_EQ(silent.shown, " 0");
  EXPECT_EQ(silent.complaint.find("sees this end"), std::string::npos);
}

// rfc9114:6.2-three
TEST_F(ServeGetTest, http3_is_not_served_nor_asked_for_with_too_few_streams) {
  serve();
  runtime::HttpServerOptions few;
  few.connection.max_streams_uni = 2;
  const auto refused = runtime::HttpServer::start(*runtime_, std::move(few));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("max_streams_uni"), std::string::npos);
}

// rfc9114:3.3-validate-origin rfc9114:3.3-not-reused
TEST_F(ServeGetTest, another_name_gets_a_connection_and_a_certificate_check_of_its_own) {
  serve({}, 2);
  write_file(site() + "/a", "a");
  const std::string port = std::to_string(server_->local_address().port);
  const Outcome outcome = get({.urls = {url("/a"), "https://127.0.0.1:" + port + "/a", url("/a")}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_EQ(server_->stats().connections_accepted, 2u);
  // The certificate is not for that name: its own connection fails, the other one does not stand in.
  EXPECT_NE(get({.urls = {url("/a"), "https://stranger.example:" + port + "/a"},
                 .pinned = {"stranger.example:" + port + ":127.0.0.1"}})
                .exit_code,
            0);
}

TEST_F(ServeGetTest, ranges_and_conditions_work_end_to_end) {
  serve();
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .range = "2-4", .write_out = "%{http_code}"}).shown, "206");
  EXPECT_EQ(read_file(out()), "234");
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .range = "0-0,9-", .write_out = "%{http_code} %{content_type}"})
                .shown.substr(0, 24),
            "206 multipart/byteranges");
  EXPECT_EQ(status_of("/a.txt", {"Range: bytes=99-"}), "416");
  EXPECT_EQ(status_of("/a.txt", {"If-None-Match: *"}), "304");
  EXPECT_EQ(status_of("/a.txt", {"If-Match: \"other\""}), "412");
  EXPECT_EQ(status_of("/a.txt", {"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"}), "304");
}

TEST_F(ServeGetTest, head_shows_the_fields_and_no_body) {
  serve();
  const Outcome outcome = get({.urls = {url("/a.txt")}, .outputs = {"-"}, .head = true});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_TRUE(outcome.shown.starts_with("HTTP/3 200\r\n")) << outcome.shown;
  EXPECT_NE(outcome.shown.find("content-length: 10\r\n"), std::string::npos);
  EXPECT_TRUE(outcome.shown.ends_with("\r\n\r\n"));
}

TEST_F(ServeGetTest, errors_have_a_status_and_with_f_an_exit_code) {
  serve();
  EXPECT_EQ(status_of("/missing"), "404");
  EXPECT_EQ(status_of("/bad%zzencoding"), "400");
  std::filesystem::remove(out());
  const Outcome outcome = get({.urls = {url("/missing")}, .fail = true});
  EXPECT_EQ(outcome.exit_code, kGetHttpError);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(ServeGetTest, nothing_above_the_root_comes_out) {
  serve();
  symlink("../outside.txt", (site() + "/link").c_str());
  for (const char* target :
       {"/../outside.txt", "/%2e%2e/outside.txt", "/sub/..%2f..%2foutside.txt", "/sub/../../outside.txt"})
    EXPECT_EQ(status_of(target), "400") << target;
  EXPECT_EQ(status_of("/link"), "404");
  EXPECT_EQ(read_file(out()).find("outside"), std::string::npos);
}

TEST_F(ServeGetTest, a_body_for_a_file_gets_405) {
  serve();
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .data = {"a=1"}, .write_out = "%{http_code}"}).shown, "405");
  // Far more than the server reads of it.
  write_file(folder_ + "/upload", random_text(5'000'000, 3));
  const Outcome outcome =
      get({.urls = {url("/a.txt")}, .binary = {"@" + folder_ + "/upload"}, .write_out = "%{http_code}"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_EQ(outcome.shown, "405");
}

TEST_F(ServeGetTest, a_download_goes_on_where_it_stopped) {
  serve();
  const std::string content = random_text(2'000'000, 4);
  write_file(site() + "/file.bin", content);
  write_file(out(), content.substr(0, 700'000));
  Outcome outcome = get({.urls = {url("/file.bin")}, .continue_at = "-", .write_out = "%{http_code} %{size_download}"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_EQ(outcome.shown, "206 1300000");
  EXPECT_TRUE(read_file(out()) == content);
  // Complete already: nothing is added.
  outcome = get({.urls = {url("/file.bin")}, .continue_at = "-", .write_out = "%{http_code}"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_TRUE(read_file(out()) == content);
  // Longer than the server's: that cannot be the same file.
  write_file(out(), content + "x");
  EXPECT_EQ(get({.urls = {url("/file.bin")}, .continue_at = "-"}).exit_code, kGetRange);
  // No file at all: from the beginning.
  std::filesystem::remove(out());
  EXPECT_EQ(get({.urls = {url("/file.bin")}, .continue_at = "-"}).exit_code, 0);
  EXPECT_TRUE(read_file(out()) == content);
  // An error page is not appended.
  write_file(out(), "begun");
  EXPECT_EQ(get({.urls = {url("/missing")}, .continue_at = "-"}).exit_code, kGetHttpError);
  EXPECT_EQ(read_file(out()), "begun");
}

TEST_F(ServeGetTest, redirects_are_followed_when_asked) {
  serve();
  EXPECT_EQ(status_of("/sub"), "301");
  const Outcome outcome =
      get({.urls = {url("/sub")}, .location = true, .write_out = "%{http_code} %{num_redirects} %{url_effective}"});
  EXPECT_EQ(outcome.shown, "200 1 " + url("/sub/"));
  EXPECT_EQ(read_file(out()), "<p>index");
  EXPECT_EQ(get({.urls = {url("/sub")}, .location = true, .redirects_max = 0}).exit_code, kGetRedirects);
}

TEST_F(ServeGetTest, a_stranger_certificate_is_refused_with_advice) {
  serve();
  const Outcome outcome = get({.urls = {url("/a.txt")}, .ca_file = folder_ + "/stranger.pem"});
  EXPECT_EQ(outcome.exit_code, kGetCertificate);
  EXPECT_NE(outcome.complaint.find("--cacert"), std::string::npos) << outcome.complaint;
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .insecure = true}).exit_code, 0);
  // The certificate does not name this host.
  const std::string port = std::to_string(server_->local_address().port);
  EXPECT_EQ(
      get({.urls = {"https://other.test:" + port + "/"}, .pinned = {"other.test:" + port + ":127.0.0.1"}}).exit_code,
      kGetCertificate);
}

TEST_F(ServeGetTest, a_client_certificate_is_shown_when_the_server_wants_one) {
  runtime::HttpServerOptions options;
  options.tls.client_certificates = quic::ClientCertificatePolicy::kRequired;
  options.tls.client_trust.ca_file = ca();
  serve(std::move(options));
  EXPECT_NE(get({.urls = {url("/a.txt")}}).exit_code, 0);
  const Outcome outcome = get({.urls = {url("/a.txt")}, .certificate = ca(), .key = key()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_EQ(read_file(out()), "0123456789");
}

TEST_F(ServeGetTest, a_server_without_an_access_log_serves_both_protocols) {
  serve({}, 1, false);
  EXPECT_EQ(get({.urls = {url("/a.txt")}}).exit_code, 0);
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .hq = true}).exit_code, 0);
  EXPECT_EQ(read_file(out()), "0123456789");
  // A second connection shows that the end of the first one's streams did no harm.
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .hq = true}).exit_code, 0);
  stop();
  EXPECT_EQ(log(), "");
}

TEST_F(ServeGetTest, nobody_there_is_a_timeout_and_a_dead_address_is_passed_over) {
  serve();
  // A port that was free a moment ago, and that nobody answers on.
  EXPECT_EQ(get({.urls = {"https://localhost:1/"}, .connect_timeout_s = 0.3}).exit_code, kGetTimeout);
  EXPECT_EQ(get({.urls = {"https://localhost:1/"}, .time_max_s = 0.3}).exit_code, kGetTimeout);
  EXPECT_EQ(get({.urls = {"https://name.invalid/"}}).exit_code, kGetResolve);
  const std::string port = std::to_string(server_->local_address().port);
  const Outcome outcome = get({.urls = {url("/a.txt")},
                               .pinned = {"localhost:" + port + ":127.0.0.99,127.0.0.1"},
                               .write_out = "%{remote_ip}"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_EQ(outcome.shown, "127.0.0.1");
}

// A client that began over one family has no socket of the other until its server prefers an address there.
TEST_F(ServeGetTest, a_preferred_address_of_the_other_family_is_taken) {
  const std::string content = random_text(10'000'000, 9);
  write_file(site() + "/file.bin", content);
  for (const auto& [from, to] : {std::pair{"127.0.0.1", "::1"}, std::pair{"::1", "127.0.0.1"}}) {
    runtime::HttpServerOptions options;
    options.udp.local = net::parse_ip(from);
    // A port that was free a moment ago.
    SocketAddress preferred = net::UdpSocket::open({.local = net::parse_ip(to)}).value().local_address();
    (preferred.family == AddressFamily::kIpv4 ? options.connection.preferred_ipv4 : options.connection.preferred_ipv6) =
        preferred;
    serve(std::move(options));
    const std::string qlog = folder_ + "/qlog" + to;
    std::filesystem::create_directory(qlog);
    const std::string port = std::to_string(server_->local_address().port);
    const Outcome outcome = get({.urls = {url("/file.bin")},
                                 .pinned = {"localhost:" + port + ":" + from},
                                 .write_out = "%{remote_ip}",
                                 .qlog = {.folder = qlog}});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
    EXPECT_EQ(outcome.shown, from);
    EXPECT_TRUE(read_file(out()) == content);
    std::string events;
    for (const auto& entry : std::filesystem::directory_iterator(qlog)) events += read_file(entry.path());
    const std::size_t moved = events.find("\"new\":\"migration_complete\"");
    ASSERT_NE(moved, std::string::npos) << from;
    EXPECT_NE(events.substr(moved, 400).find(std::string("\"") + to + "\""), std::string::npos);
    stop();
  }
}

// Where `hawser load` and `hawser perf` go, of the addresses of a name.
TEST_F(ServeGetTest, measurements_go_to_the_address_that_answers) {
  serve();
  const SocketAddress alive = server_->local_address();
  const auto silent = [&](std::uint8_t host) { return ipv4_address({127, 0, 0, host}, alive.port); };
  const auto ask = [&](const std::string& trusted, const std::vector<SocketAddress>& addresses, Duration timeout) {
    std::optional<quic::TlsClientContext> tls;
    perf::RunThread thread;
    thread.set_runtime(runtime::Runtime::create({}).value());
    tls.emplace(quic::TlsClientContext::create({.common = {.alpn = {"h3"}}, .trust = {.ca_file = trusted}}).value());
    runtime::EndpointProtocol* endpoint = nullptr;
    thread.runtime().worker(0).call([&](runtime::Worker& worker) {
      endpoint = &static_cast<runtime::EndpointProtocol&>(
          worker.attach(std::make_unique<runtime::EndpointProtocol>(worker, quic::EndpointConfig{})));
      return true;
    });
    const auto found =
        perf::first_answer(thread, *endpoint, {.server_name = "localhost", .tls = &*tls}, addresses, timeout);
    thread.runtime().stop();
    thread.runtime().join();
    return found;
  };
  const Timestamp before = runtime::current_time();
  EXPECT_EQ(ask(ca(), {silent(98), silent(99), alive}, 10s), alive);
  EXPECT_LT(runtime::current_time() - before, 5s) << "not one after the other's timeout";
  EXPECT_EQ(ask(ca(), {silent(98)}, 10s), silent(98)) << "a single one is not asked";
  const auto nobody = ask(ca(), {silent(98), silent(99)}, 600ms);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().message, "no answer from the server");
  const auto stranger = ask(folder_ + "/stranger.pem", {alive, alive}, 10s);
  ASSERT_FALSE(stranger);
  EXPECT_NE(stranger.error().message.find("certificate"), std::string::npos) << stranger.error().message;
}

TEST_F(ServeGetTest, an_output_that_cannot_be_written_is_23) {
  serve();
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .outputs = {folder_ + "/no/such/folder"}}).exit_code, kGetWrite);
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .outputs = {"/dev/full"}}).exit_code, kGetWrite);
  EXPECT_EQ(get({.urls = {url("/a.txt")}, .outputs = {"/dev/null"}}).exit_code, 0);
}

TEST_F(ServeGetTest, a_slow_reader_of_a_pipe_loses_nothing) {
  serve();
  const std::string content = random_text(3'000'000, 5);
  write_file(site() + "/file.bin", content);
  ASSERT_EQ(mkfifo(out().c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] {
    const int fd = ::open(out().c_str(), O_RDONLY);
    std::array<char, 3'000> octets;
    ssize_t count = 0;
    for (int i = 0; (count = ::read(fd, octets.data(), octets.size())) > 0; ++i) {
      got.append(octets.data(), static_cast<std::size_t>(count));
      if (i % 200 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::close(fd);
  });
  EXPECT_EQ(get({.urls = {url("/file.bin")}}).exit_code, 0);
  reader.join();
  EXPECT_TRUE(got == content);
}

TEST_F(ServeGetTest, http_0_9_and_chacha20_and_retry_serve_the_interop_cases) {
  runtime::HttpServerOptions options;
  options.retry = quic::RetryPolicy::kAlways;
  serve(std::move(options));
  const std::string content = random_text(1'500'000, 6);
  write_file(site() + "/file.bin", content);
  write_file(site() + "/empty", "");
  const Outcome outcome = get({.urls = {url("/file.bin"), url("/a.txt"), url("/empty")}, .hq = true});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_TRUE(read_file(out(0)) == content);
  EXPECT_EQ(read_file(out(1)), "0123456789");
  EXPECT_EQ(std::filesystem::file_size(out(2)), 0u);
  EXPECT_EQ(get({.urls = {url("/missing")}, .hq = true}).exit_code, kGetReceive);
  const Outcome chacha = get({.urls = {url("/file.bin")}, .tls_cipher = "chacha20", .verbose = true});
  EXPECT_NE(chacha.complaint.find("TLS_CHACHA20_POLY1305_SHA256"), std::string::npos) << chacha.complaint;
  EXPECT_TRUE(read_file(out(0)) == content);
}

TEST_F(ServeGetTest, every_request_is_logged_once) {
  serve();
  (void)get({.urls = {url("/a.txt")}});
  (void)get({.urls = {url("/missing?x=\"y")}, .headers = {"Referer: https://from.test/"}});
  (void)get({.urls = {url("/a.txt")}, .hq = true});
  stop();
  const std::string text = log();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_NE(text.find("\"GET /a.txt HTTP/3\" 200 10 \"-\" \"hawser/0.1.0\" "), std::string::npos) << text;
  EXPECT_NE(text.find("\"GET /missing?x=%22y HTTP/3\" 404 "), std::string::npos) << text;
  EXPECT_NE(text.find("\"https://from.test/\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"GET /a.txt HTTP/0.9\" 200 10 "), std::string::npos) << text;
}

TEST_F(ServeGetTest, shutdown_lets_a_request_under_way_complete) {
  serve();
  const std::string content = random_text(20'000'000, 7);
  write_file(site() + "/file.bin", content);
  ASSERT_EQ(mkfifo(out().c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] {
    const int fd = ::open(out().c_str(), O_RDONLY);
    std::vector<char> octets(1 << 20);
    ssize_t count = ::read(fd, octets.data(), 4'096);
    // The response is under way: the rest comes after GOAWAY.
    if (count > 0) got.append(octets.data(), static_cast<std::size_t>(count));
    server_->shutdown();
    while ((count = ::read(fd, octets.data(), octets.size())) > 0)
      got.append(octets.data(), static_cast<std::size_t>(count));
    ::close(fd);
  });
  const Outcome outcome = get({.urls = {url("/file.bin")}});
  reader.join();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.complaint;
  EXPECT_TRUE(got == content);
  // And the server, which has nothing left to do, refuses the next one.
  EXPECT_NE(get({.urls = {url("/a.txt")}, .connect_timeout_s = 2}).exit_code, 0);
}

}  // namespace
}  // namespace hawser::app
