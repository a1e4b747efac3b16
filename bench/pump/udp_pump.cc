// udp_pump.cc: one thread sends trains over loopback, one receives them, with no protocol
// between: the ceiling for everything above net/. Prints one JSON object.
//   udp_pump --seconds 5 --cipher aes128gcm --cpus 0,1
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "net/make_engine.h"
#include "quic/crypto/packet_protection.h"

namespace {

using namespace hawser;

// The shape of a 1-RTT packet: first octet, 8-octet connection ID, 4-octet packet number.
constexpr std::size_t kHeaderSize = 13;
constexpr std::size_t kTagSize = 16;

struct Options {
  double seconds = 3;
  std::size_t segment_size = 1'420;
  std::size_t segments = 45;        // of a train
  std::size_t trains_per_call = 1;  // trains handed to one send
  bool gso = true;
  bool gro = true;
  bool ipv6 = false;
  std::string cipher = "none";
  std::string crypto = "auto";
  std::string engine = "auto";
  std::vector<int> cpus{0, 1};  // of the sender and of the receiver
};

struct Outcome {
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
  std::uint64_t failed = 0;  // datagrams whose tag was wrong
  double cpu_seconds = 0;
  net::UdpCounters udp;
  std::uint64_t kernel_drops = 0;
};

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void stay_on(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  if (pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus) != 0)
    std::fprintf(stderr, "udp_pump: cannot stay on CPU %d\n", cpu);
}

quic::PacketKey make_key(const Options& options) {
  const std::string& cipher = options.cipher;
  if (cipher == "none") return {};
  const auto suite = cipher == "aes128gcm"   ? quic::CipherSuite::kAes128GcmSha256
                     : cipher == "aes256gcm" ? quic::CipherSuite::kAes256GcmSha384
                                             : quic::CipherSuite::kChaCha20Poly1305Sha256;
  const std::vector<std::uint8_t> key(quic::key_length(suite), 7);
  const std::vector<std::uint8_t> iv(quic::kAeadIvLength, 9);
  return {suite, key, iv, *quic::crypto_backend_of(options.crypto)};
}

// Writes the datagrams of one train: header and packet number always, the payload sealed
// from `content` or, without a key, copied from there.
void fill(TransmitTrain& train, const Options& options, quic::PacketKey& key, Bytes content, std::uint64_t& pn) {
  train.segment_size = options.segment_size;
  train.size = options.segment_size * std::min(options.segments, train.buffer.size() / options.segment_size);
  for (std::size_t at = 0; at < train.size; at += options.segment_size, ++pn) {
    std::uint8_t* const packet = train.buffer.data() + at;
    std::memset(packet, 0x43, kHeaderSize);
    const auto wire = static_cast<std::uint32_t>(pn);
    std::memcpy(packet + kHeaderSize - sizeof wire, &wire, sizeof wire);
    const Bytes payload = content.first(options.segment_size - kHeaderSize - (key.empty() ? 0 : kTagSize));
    if (key.empty()) {
      std::memcpy(packet + kHeaderSize, payload.data(), payload.size());
    } else {
      key.seal(quic::PathId{0}, PacketNumber{wire}, {packet, kHeaderSize}, {&payload, 1}, packet + kHeaderSize);
    }
  }
}

Outcome run_sender(const Options& options, net::Engine& engine, const FourTuple& tuple, const std::atomic<bool>& stop) {
  stay_on(options.cpus[0]);
  quic::PacketKey key = make_key(options);
  const std::vector<std::uint8_t> content(options.segment_size, 0x5a);
  std::vector<TransmitTrain> trains(options.trains_per_call);
  std::uint64_t pn = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    const std::size_t count = engine.lend(trains);
    for (std::size_t i = 0; i < count; ++i) {
      trains[i].tuple = tuple;
      fill(trains[i], options, key, content, pn);
    }
    std::span<TransmitTrain> rest = std::span(trains).first(count);
    while (!rest.empty() && !stop.load(std::memory_order_relaxed)) {
      rest = rest.subspan(engine.send(rest));
      if (!rest.empty()) engine.poll(10ms);
    }
  }
  Outcome outcome;
  outcome.cpu_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  outcome.udp = engine.counters();
  outcome.datagrams = outcome.udp.datagrams_sent;
  outcome.octets = outcome.udp.octets_sent;
  return outcome;
}

bool open_packet(quic::PacketKey& key, MutableBytes datagram) {
  if (datagram.size() < kHeaderSize + kTagSize) return false;
  std::uint32_t pn = 0;
  std::memcpy(&pn, datagram.data() + kHeaderSize - sizeof pn, sizeof pn);
  return key.open(quic::PathId{0}, PacketNumber{pn}, datagram.first(kHeaderSize), datagram.subspan(kHeaderSize));
}

Outcome run_receiver(const Options& options, net::Engine& engine, const std::atomic<bool>& stop) {
  stay_on(options.cpus[1]);
  quic::PacketKey key = make_key(options);
  std::vector<ReceivedTrain> trains(net::kMessagesPerCall);
  Outcome outcome;
  while (!stop.load(std::memory_order_relaxed)) {
    const std::size_t count = engine.receive(trains);
    if (count == 0) engine.poll(10ms);
    for (const ReceivedTrain& train : std::span(trains).first(count)) {
      if (key.empty()) continue;
      for (std::size_t at = 0; at < train.bytes.size(); at += train.segment_size) {
        const std::size_t size = std::min(train.segment_size, train.bytes.size() - at);
        if (!open_packet(key, train.bytes.subspan(at, size))) ++outcome.failed;
      }
    }
  }
  outcome.cpu_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  outcome.udp = engine.counters();
  outcome.datagrams = outcome.udp.datagrams_received;
  outcome.octets = outcome.udp.octets_received;
  outcome.kernel_drops = engine.kernel_drops();
  return outcome;
}

void print_side(const char* name, const Outcome& outcome, double seconds) {
  std::printf(
      "\"%s\": {\"gbit_per_s\": %.3f, \"datagrams\": %llu, \"cpu_ns_per_datagram\": %.1f, \"cpu_share\": %.3f, "
      "\"system_calls\": %llu}",
      name, static_cast<double>(outcome.octets) * 8 / seconds / 1e9, static_cast<unsigned long long>(outcome.datagrams),
      outcome.datagrams == 0 ? 0.0 : outcome.cpu_seconds * 1e9 / static_cast<double>(outcome.datagrams),
      outcome.cpu_seconds / seconds,
      static_cast<unsigned long long>(outcome.udp.send_calls + outcome.udp.receive_calls));
}

std::expected<std::unique_ptr<net::Engine>, ConfigError> open_engine(const Options& options, SocketAddress& bound) {
  HAWSER_TRY(const net::EngineKind kind, net::parse_engine_kind(options.engine));
  HAWSER_TRY(auto engine, net::make_engine({.kind = kind}));
  HAWSER_TRY(const SocketAddress local, net::parse_address(options.ipv6 ? "[::1]:0" : "127.0.0.1:0"));
  HAWSER_TRY(const net::SocketId socket, engine->open({.local = local, .gso = options.gso, .gro = options.gro}));
  bound = engine->local_address(socket);
  return engine;
}

std::expected<bool, ConfigError> run(const Options& options) {
  FourTuple tuple;
  HAWSER_TRY(const auto sender_engine, open_engine(options, tuple.local));
  HAWSER_TRY(const auto receiver_engine, open_engine(options, tuple.remote));
  std::atomic<bool> stop{false};
  Outcome sent;
  Outcome received;
  std::thread receiver([&] { received = run_receiver(options, *receiver_engine, stop); });
  std::thread sender([&] { sent = run_sender(options, *sender_engine, tuple, stop); });
  const double begin = seconds_of(CLOCK_MONOTONIC);
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  stop = true;
  sender.join();
  receiver.join();
  const double seconds = seconds_of(CLOCK_MONOTONIC) - begin;
  std::printf(
      "{\"engine\": \"%s\", \"seconds\": %.2f, \"segment_size\": %zu, \"gso\": %s, \"gro\": %s, \"cipher\": \"%s\", ",
      std::string(net::to_string(sender_engine->kind())).c_str(), seconds, options.segment_size,
      options.gso ? "true" : "false", options.gro ? "true" : "false", options.cipher.c_str());
  print_side("sender", sent, seconds);
  std::printf(", ");
  print_side("receiver", received, seconds);
  std::printf(", \"dropped\": %llu, \"failed\": %llu}\n", static_cast<unsigned long long>(received.kernel_drops),
              static_cast<unsigned long long>(received.failed));
  return received.failed == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Moves datagrams over loopback as fast as the kernel lets two threads do it, and prints JSON."};
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.1, 3'600.0));
  app.add_option("--segment-size", options.segment_size, "octets of each datagram")->check(CLI::Range(64, 65'507));
  app.add_option("--segments", options.segments, "datagrams in one GSO train")->check(CLI::Range(1, 64));
  app.add_option("--trains-per-call", options.trains_per_call, "trains in one sendmmsg")->check(CLI::Range(1, 32));
  app.add_flag("--gso,!--no-gso", options.gso, "let the kernel cut trains into datagrams");
  app.add_flag("--gro,!--no-gro", options.gro, "let the kernel join datagrams to trains");
  app.add_flag("--ipv6", options.ipv6, "use ::1 instead of 127.0.0.1");
  app.add_option("--cipher", options.cipher, "seal and open each datagram")
      ->check(CLI::IsMember({"none", "aes128gcm", "aes256gcm", "chacha20poly1305"}));
  app.add_option("--engine", options.engine, "auto, epoll, io_uring or af_xdp")->capture_default_str();
  app.add_option("--crypto", options.crypto, "who does AES-GCM; falls back where the CPU lacks it")
      ->check(CLI::IsMember({"auto", "vaes512", "vaes", "ipsec-mb", "openssl"}));
  app.add_option("--cpus", options.cpus, "CPUs of the sender and the receiver, as 0,1")->delimiter(',')->expected(2);
  CLI11_PARSE(app, argc, argv);
  const auto all_opened = run(options);
  if (!all_opened) std::fprintf(stderr, "udp_pump: %s\n", all_opened.error().message.c_str());
  return all_opened && *all_opened ? 0 : 1;
}
