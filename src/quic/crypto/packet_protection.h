// packet_protection.h: the keys of one encryption level, and the 1-RTT keys with their
// updates (RFC 9001 section 6), limits (section 6.6) and retention of old keys (section 6.5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "base/units.h"
#include "quic/crypto/aead.h"
#include "quic/crypto/header_protection.h"
#include "quic/crypto/key_schedule.h"
#include "quic/crypto/secret.h"
#include "quic/wire/errors.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Both keys of one direction of an encryption level.
struct DirectionKeys {
  PacketKey packet;
  HeaderKey header;

  DirectionKeys() = default;
  DirectionKeys(const VersionKeyTable& table, CipherSuite suite, Bytes secret,
                CryptoBackend backend = CryptoBackend::kAuto);
  [[nodiscard]] bool empty() const { return packet.empty(); }
  [[nodiscard]] std::size_t memory() const { return packet.memory() + header.memory(); }
};

// Read and write keys of Initial, Handshake or 0-RTT packets; either may be absent.
struct LevelKeys {
  DirectionKeys read;
  DirectionKeys write;

  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return read.memory() + write.memory(); }
};

// RFC 9001 section 5.2: the Initial keys of `role`. `dcid` as for initial_secrets().
LevelKeys initial_keys(const VersionKeyTable& table, Role role, Bytes dcid,
                       CryptoBackend backend = CryptoBackend::kAuto);

struct OneRttOptions {
  const VersionKeyTable* table = nullptr;  // static storage; nullptr: QUIC version 1
  CryptoBackend backend = CryptoBackend::kAuto;
  // Lowers both limits of RFC 9001 section 6.6, for tests and for the careful; 0 keeps them.
  std::uint64_t confidentiality_limit = 0;
  std::uint64_t integrity_limit = 0;
};

// The keys of 1-RTT packets. All paths share them, and one key phase. The two traffic
// secrets may be given at different times, in any order.
//
// Reading: the key for a packet follows from its Key Phase bit and its packet number alone;
// all keys that may be wanted exist beforehand, so that time does not tell which was tried
// (RFC 9001 sections 6.3 and 9.5). After a rest all of them are expanded together, before the
// first header is unmasked: what that takes depends on nothing but that there was a rest.
class OneRttKeys {
 public:
  // Old read keys serve for this many PTOs after an update (RFC 9001 section 6.5); the same
  // span must pass between an update's confirmation and the next update of our own.
  static constexpr int kRetentionPtos = 3;
  // At most this many packets may be sealed between two calls of maintain(): a few trains.
  static constexpr std::uint64_t kSealMargin = 4'096;
  // Paths whose phase change is remembered exactly; the lowest Path ID makes room for a new
  // one, as Path IDs only grow. Past it, key choice falls back to trying the old key first.
  static constexpr std::size_t kTrackedPaths = 8;

  OneRttKeys() : OneRttKeys(OneRttOptions{}) {}
  explicit OneRttKeys(const OneRttOptions& options);
  ~OneRttKeys();

  // Before the first secret: the version agreed on. `table` is in static storage.
  void set_table(const VersionKeyTable& table) { options_.table = &table; }
  void set_read_secret(CipherSuite suite, Bytes secret);
  void set_write_secret(CipherSuite suite, Bytes secret);
  [[nodiscard]] bool can_open() const { return has_read_secret_; }
  [[nodiscard]] bool can_seal() const { return has_write_secret_; }

  // Good until fold().
  [[nodiscard]] HeaderKey& read_header() {
    if (folded_ != nullptr) unfold();
    return read_header_;
  }
  [[nodiscard]] HeaderKey& write_header() {
    if (folded_ != nullptr) unfold();
    return write_header_;
  }

  // Nothing is about to be sealed or opened: gives expanded keys back to the allocator, some 4 KB,
  // and keeps those that they came from, 80 octets with AES-128. The next use expands them again,
  // which takes about a microsecond. Old read keys of an update stay until they expire.
  void fold();
  [[nodiscard]] bool folded() const { return folded_ != nullptr; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;

  // The Key Phase bit for packets being sealed; fixed between two calls of open(),
  // maintain() and initiate_update(), so ask when writing each header.
  [[nodiscard]] bool write_key_phase() const { return (write_generation_ & 1) != 0; }

  // PacketKey::seal_run with the current write key; counts the packets, whose numbers ascend.
  void seal_run(PathId path, std::span<const PacketToSeal> packets);
  // The same for one.
  void seal(PathId path, PacketNumber pn, Bytes header, std::span<const Bytes> plaintext, std::uint8_t* out);

  // Opens a packet whose header protection is removed. True: opened. False: discard it; the
  // tag was wrong or its key is gone. Errors: KEY_UPDATE_ERROR (RFC 9001 sections 6.2, 6.4),
  // AEAD_LIMIT_REACHED (section 6.6). A packet of the next phase updates both directions.
  [[nodiscard]] Parsed<bool> open(PathId path, PacketNumber pn, bool key_phase, Bytes header,
                                  MutableBytes ciphertext_and_tag, Timestamp now);

  // A run of packets of one path whose key phase is that of read_key_phase(), opened at once. Then
  // on_opened_in_run() for each says, in their order, what open() would have said. Nothing else may
  // be opened between.
  [[nodiscard]] bool read_key_phase() const { return (read_generation_ & 1) != 0; }
  void open_run(PathId path, std::span<PacketToOpen> packets);
  [[nodiscard]] Parsed<bool> on_opened_in_run(PathId path, const PacketToOpen& packet, Timestamp now);

  // RFC 9001 section 4.1.2: from now on updates are allowed.
  void on_handshake_confirmed() { handshake_confirmed_ = true; }

  // The peer acknowledged packets of `path` up to `largest_newly_acknowledged`. Confirms an
  // update once that packet was sealed in the current phase (RFC 9001 section 6.1).
  void on_acknowledged(PathId path, PacketNumber largest_newly_acknowledged, Timestamp now);

  // Call before each round of sending, with the largest PTO over all paths. Drops expired
  // keys, and starts an update when the write key is half used up. AEAD_LIMIT_REACHED when
  // the write key is used up and no update is allowed: then nothing may be sealed any more.
  [[nodiscard]] Parsed<void> maintain(Timestamp now, Duration pto);

  // Starts a key update of our own if RFC 9001 sections 6.1 and 6.5 allow it now.
  bool initiate_update(Timestamp now);
  [[nodiscard]] bool may_initiate_update(Timestamp now) const;

  // Key updates so far, per direction.
  [[nodiscard]] std::uint64_t read_generation() const { return read_generation_; }
  [[nodiscard]] std::uint64_t write_generation() const { return write_generation_; }
  [[nodiscard]] std::uint64_t packets_sealed_with_key() const { return packets_sealed_; }
  [[nodiscard]] std::uint64_t packets_failed() const { return packets_failed_; }

 private:
  static constexpr std::uint64_t kNoNumber = ~std::uint64_t{0};

  // What the phase change on one path looked like from here.
  struct PathPhase {
    std::uint64_t path = 0;
    std::uint64_t first_sealed = kNoNumber;        // in the current write generation
    std::uint64_t lowest_opened = kNoNumber;       // in the current read generation
    std::uint64_t highest_opened = kNoNumber;      // in the current read generation
    std::uint64_t highest_opened_old = kNoNumber;  // in the generation before
  };

  // The five keys as they were before they were expanded; wiped when they go.
  class FoldedKeys;

  void unfold();
  PathPhase& phase_of(PathId path);
  void drop_previous_read();
  Parsed<bool> on_opened_with_current(PathPhase& phase, PacketNumber pn);
  Parsed<bool> on_opened_with_next(PathPhase& phase, PacketNumber pn, Timestamp now);
  Parsed<bool> on_open_failed();
  void advance_write_generation();
  void derive_next_read();
  [[nodiscard]] const VersionKeyTable& table() const {
    return options_.table != nullptr ? *options_.table : v1_key_table();
  }
  [[nodiscard]] std::uint64_t seal_limit() const;
  [[nodiscard]] std::uint64_t failure_limit() const;

  OneRttOptions options_;
  CipherSuite suite_ = CipherSuite::kAes128GcmSha256;
  HeaderKey read_header_;
  HeaderKey write_header_;
  PacketKey read_previous_;
  PacketKey read_current_;
  PacketKey read_next_;
  PacketKey write_current_;
  Secret read_next_secret_;
  Secret write_secret_;
  std::unique_ptr<FoldedKeys> folded_;
  std::vector<PathPhase> phases_;  // at most kTrackedPaths
  std::size_t last_phase_ = 0;
  std::uint64_t read_generation_ = 0;
  std::uint64_t write_generation_ = 0;
  std::uint64_t packets_sealed_ = 0;
  std::uint64_t packets_failed_ = 0;
  Duration pto_ = 1s;  // until maintain() says better
  Timestamp previous_expiry_ = kNever;
  Timestamp confirmed_at_{};
  bool confirmed_ = false;  // a packet of the current write generation was acknowledged
  bool handshake_confirmed_ = false;
  bool has_read_secret_ = false;
  bool has_write_secret_ = false;
};

}  // namespace hawser::quic
