// admission.h: which first packets of clients a server spends work and memory on: limits in all and
// of each source address, and a Retry that comes by itself when clients begin handshakes that
// they do not complete. No list of sources grows: they share counters by a keyed hash.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace hawser::quic {

enum class RetryPolicy : std::uint8_t {
  kNever,
  kAlways,     // every Initial without a valid token is answered with Retry
  kUnderLoad,  // from AdmissionLimits::retry_mark on, until the load is half of it
};

// What one endpoint grants to clients that have not completed a handshake yet. A source is an IPv4
// address or an IPv6 network of 64 bits, which is what one customer of a provider has. The defaults
// are above what one processor can complete: they bound what an attack costs, not what users do.
struct AdmissionLimits {
  // First packets from one source, a second, with or without a token; further ones are dropped
  // before anything is computed for them, so that one address cannot keep the server busy.
  std::size_t source_initials_per_second = 10'000;
  // Handshakes open at once from one source, those behind a token counted for themselves: past it,
  // clients without token get a Retry (unless never), others silence; theirs are repeated anyway.
  std::size_t source_handshakes_max = 4'000;
  // Handshakes begun, a second, from all sources; further ones likewise.
  std::size_t handshakes_per_second = 20'000;
  // Octets of memory of all handshakes that are open, that of TLS as kTlsMemory each; past it, new ones
  // take the place of those of sources that have more than theirs, or are refused.
  std::size_t handshake_memory_max = std::size_t{512} << 20;
  // kUnderLoad: Retry is switched on when this many handshakes are open, or as many were begun in
  // the last seconds without being completed.
  std::size_t retry_mark = 500;
  // Retries a second. They are cheap, smaller than what they answer, and under attack the only way
  // in for an honest client, so they are not counted as stateless_replies_max.
  std::size_t retries_per_second = 100'000;
  // Stateless resets, Version Negotiations and refusals to one source, a second.
  std::size_t source_replies_per_second = 200;
};

// So much a second, and as much at once if there was a pause: a token bucket kept as the time when
// it will be full again.
class TokenBucket {
 public:
  [[nodiscard]] bool has(Timestamp now, std::size_t per_second) const {
    return per_second != 0 && std::max(full_at_, now) + interval(per_second) <= now + 1s;
  }
  // More was taken than it had.
  [[nodiscard]] bool owes(Timestamp now) const { return full_at_ > now + 1s; }
  // Takes what fills up in `cost`, and may owe as much as fills up in `most`.
  void owe(Timestamp now, Duration cost, Duration most) {
    full_at_ = std::max(full_at_, std::min(std::max(full_at_, now) + cost, now + 1s + most));
  }
  // Takes one, if it has one.
  void take(Timestamp now, std::size_t per_second) {
    if (has(now, per_second)) full_at_ = std::max(full_at_, now) + interval(per_second);
  }

 private:
  static Duration interval(std::size_t per_second) { return Duration{1s} / static_cast<std::int64_t>(per_second); }
  Timestamp full_at_{};
};

class Admission {
 public:
  // Sources share a counter with few others, by two independent hashes: one that shares both with an
  // attacker is held to the attacker's limits. 2 x 4,096 x 24 octets are 192 KB.
  static constexpr std::size_t kRowSize = 4'096;
  // What OpenSSL holds for a handshake beside what the connection counts itself, in octets. It does not
  // tell: measured with the allocator (handshake_memory in waiting_clients_test.cc), 50 KB with a post-quantum
  // share, and rounded up.
  static constexpr std::size_t kTlsMemory = 53'248;
  // What a source pays with first packets for a connection that was ended for its flood: those of so much time, so that
  // it comes back with one 50 times a second; and for how long it may be kept out, with whoever shares its address.
  static constexpr Duration kFloodCost = 20ms;
  static constexpr Duration kFloodDebtMax = 2s;

  Admission(const AdmissionLimits& limits, RetryPolicy policy, std::array<std::uint64_t, 2> hash_key);

  // Where a source's counters are; kept with a connection while its handshake is open.
  struct Source {
    std::uint16_t slots[2] = {0, 0};
    bool operator==(const Source&) const = default;
  };
  [[nodiscard]] Source source_of(const SocketAddress& address) const;

  // One first packet from there; false: drop it.
  bool on_initial(Source source, Timestamp now);
  // A connection from there was ended for its flood: first packets from there are dropped until it has paid for it.
  void on_flood(Source source, Timestamp now);
  // One stateless reply to there; false: leave it.
  bool on_reply(Source source, Timestamp now);

  // Whether another handshake finds a place.
  enum class Room : std::uint8_t {
    kFree,
    kTaken,  // by a source that has more of them than this client's
    kNone,
  };
  enum class Verdict : std::uint8_t {
    kAccept,
    kRetry,
    kIgnore,  // over a limit that time will mend; the client sends again
    kRefuse,  // there is no room
  };
  // What becomes of a client; `validated`: by a token. kAccept: begin() follows if it comes to that.
  Verdict judge(Source source, bool validated, Room room, Timestamp now);
  [[nodiscard]] bool has_memory() const { return memory_ < static_cast<std::int64_t>(limits_.handshake_memory_max); }
  // Handshakes that a source has open, with tokens and without.
  [[nodiscard]] std::size_t open_from(Source source) const;
  // One of `holder` may go for one of `other`: sources come to hold the same, and nobody loses the only one.
  [[nodiscard]] bool yields(Source holder, Source other) const { return open_from(holder) > open_from(other) + 1; }

  // So many that were accepted wait for begin(): they count as open handshakes, and their memory is their own.
  void set_waiting(std::size_t count);
  // One Retry more; false: there were too many, stay silent.
  bool take_retry(Timestamp now);

  // A handshake of a server began, grew by so many octets (or shrank), and ended.
  void begin(Source source, bool validated, Timestamp now);
  void on_memory(std::int64_t octets) { memory_ += octets; }
  void end(Source source, bool validated, bool complete, Timestamp now);

  struct Stats {
    std::uint64_t initials_over_source_rate = 0;
    std::uint64_t initials_owed_for_floods = 0;  // of those: dropped since the source has a flood to pay for
    std::uint64_t handshakes_ignored = 0;        // judged kIgnore
    std::uint64_t handshakes_refused = 0;        // judged kRefuse
    std::uint64_t replies_over_source_rate = 0;
    std::uint64_t retry_switched_on = 0;
    std::size_t handshakes_open = 0;
    std::size_t handshakes_open_most = 0;
    std::size_t handshake_memory = 0;  // octets
    std::size_t handshake_memory_most = 0;

    Stats& operator+=(const Stats& other);
  };
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] bool retries() const { return policy_ == RetryPolicy::kAlways || retry_on_; }

 private:
  struct Slot {
    std::uint32_t open[2] = {0, 0};  // without a token, with one
    TokenBucket initials;
    TokenBucket replies;
  };
  Slot& slot(Source source, std::size_t row) { return rows_[row * kRowSize + source.slots[row]]; }
  [[nodiscard]] std::size_t open_from(Source source, bool validated);
  bool take(Source source, TokenBucket Slot::* bucket, std::size_t per_second, Timestamp now);
  void note_unproductive(double count, Timestamp now);
  void update_retry();

  AdmissionLimits limits_;
  RetryPolicy policy_;
  std::array<std::uint64_t, 2> hash_key_;
  std::vector<Slot> rows_ = std::vector<Slot>(2 * kRowSize);
  TokenBucket handshakes_;
  TokenBucket retries_;
  bool retry_on_ = false;
  std::size_t waiting_ = 0;
  // Handshakes begun and Retries sent, less what clients completed or came back with; halves in a
  // second, and is capped so that the end of an attack is noticed within a few.
  double unproductive_ = 0;
  Timestamp decayed_at_{};
  std::int64_t memory_ = 0;
  Stats stats_;
};

}  // namespace hawser::quic
