// flood_outside.cc: first packets of many clients, whole or damaged, that nobody goes on with, behind a
// Retry or not; unknown versions; packets of no connection.
#include "flood_outside.h"

#include <sys/socket.h>

#include <optional>
#include <vector>

#include "flood_client.h"
#include "flood_sockets.h"

namespace hawser::flood {
namespace {

constexpr std::size_t kInitialsMade = 16'384;  // distinct ones, sent in turns: 20 MB

// Each begins a handshake under a connection ID of its own.
std::vector<std::vector<std::uint8_t>> make_initials(Random& random) {
  const FirstWords words = first_words();
  std::vector<std::vector<std::uint8_t>> made;
  for (std::size_t i = 0; i < kInitialsMade; ++i) {
    std::array<std::uint8_t, 8> dcid;
    random.fill(dcid);
    LevelKeys own = initial_keys(v1_key_table(), Role::kClient, dcid);
    made.push_back(seal(own.write, {.level = EncryptionLevel::kInitial, .dcid = dcid, .scid = words.scid.view()}, 0,
                        words.frames));
  }
  return made;
}

void spoil(const std::string& kind, std::vector<std::uint8_t>& datagram, Random& random) {
  if (kind == "junk") {
    random.fill(MutableBytes(datagram).subspan(40));
  } else if (kind == "version") {
    datagram[1] = 0x7a;
  } else if (kind == "reset") {
    datagram.resize(60);
    random.fill(datagram);
    datagram[0] = 0x40;
  }
}

// The answer to a Retry, which proves the address; nothing otherwise.
std::optional<std::vector<std::uint8_t>> answer_retry(Bytes datagram, const FirstWords& words) {
  const auto header = parse_packet_header(datagram, 8);
  if (!header || header->type != PacketType::kRetry) return std::nullopt;
  // The token stands between the header and a tag of 16 octets.
  const std::size_t begin = 7 + header->dcid.size() + header->scid.size();
  if (datagram.size() < begin + 16) return std::nullopt;
  const Bytes token = datagram.subspan(begin, datagram.size() - begin - 16);
  LevelKeys keys = initial_keys(v1_key_table(), Role::kClient, header->scid);
  return seal(keys.write,
              {.level = EncryptionLevel::kInitial, .dcid = header->scid, .scid = words.scid.view(), .token = token}, 1,
              words.frames);
}

// At most `count` of those that came to the i-th socket, each in the place of another first packet; returns how many.
std::size_t answer_retries(const Sockets& sockets, std::uint64_t i, std::size_t count, const FirstWords& words,
                           Outcome& outcome) {
  std::size_t answered = 0;
  std::uint8_t octets[2'048];
  for (ssize_t size; answered < count && (size = ::recv(sockets.fd(i), octets, sizeof(octets), 0)) > 0;) {
    const auto answer = answer_retry(Bytes(octets, static_cast<std::size_t>(size)), words);
    if (!answer || !sockets.send(i, *answer)) continue;
    ++answered;
  }
  outcome.packets += answered;
  outcome.connections += answered;
  return answered;
}

}  // namespace

bool is_outside_kind(const std::string& kind) {
  return kind == "initial" || kind == "retry" || kind == "junk" || kind == "version" || kind == "reset";
}

Outcome flood_outside(const Options& options) {
  SeededRandom random{static_cast<std::uint64_t>(now().time_since_epoch().count())};
  const Sockets sockets(options);
  const FirstWords words = first_words();
  std::vector<std::uint8_t> stock;
  std::size_t size = 0;
  for (auto& datagram : make_initials(random)) {
    spoil(options.kind, datagram, random);
    size = datagram.size();
    stock.insert(stock.end(), datagram.begin(), datagram.end());
  }
  Outcome outcome;
  std::uint64_t turn = 0;
  std::size_t next = 0;
  paced(options, [&](std::size_t count) {
    const std::uint64_t i = turn++;
    if (options.kind == "retry") count -= answer_retries(sockets, i, count, words, outcome);
    if (count == 0) return;
    if (next + count > kInitialsMade) next = 0;
    const Bytes train = Bytes(stock).subspan(next * size, count * size);
    next += count;
    if (options.spoofed ? sockets.send_spoofed(i, train, size, random) : sockets.send_train(i, train, size))
      outcome.packets += count;
  });
  return outcome;
}

}  // namespace hawser::flood
