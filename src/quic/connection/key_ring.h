// key_ring.h: the keys of a connection by encryption level, from the first Initial packet to
// the 1-RTT keys that stay (RFC 9001 section 4.9 says when the others go).
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "quic/crypto/packet_protection.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class KeyRing {
 public:
  explicit KeyRing(const OneRttOptions& one_rtt) : one_rtt_(one_rtt) {}

  void set_initial(LevelKeys keys) { early_->initial = std::move(keys); }
  void set_handshake_read(DirectionKeys keys) { early_->handshake.read = std::move(keys); }
  void set_handshake_write(DirectionKeys keys) { early_->handshake.write = std::move(keys); }
  // A server reads 0-RTT packets, a client writes them.
  // rfc9001:5.6-server
  void set_zero_rtt(DirectionKeys keys, bool read) {
    zero_rtt_ = std::make_unique<LevelKeys>();
    (read ? zero_rtt_->read : zero_rtt_->write) = std::move(keys);
  }
  [[nodiscard]] OneRttKeys& one_rtt() { return one_rtt_; }
  [[nodiscard]] const OneRttKeys& one_rtt() const { return one_rtt_; }

  [[nodiscard]] bool can_open(EncryptionLevel level) const {
    return level == EncryptionLevel::kOneRtt ? one_rtt_.can_open() : has(level, &LevelKeys::read);
  }
  [[nodiscard]] bool can_seal(EncryptionLevel level) const {
    return level == EncryptionLevel::kOneRtt ? one_rtt_.can_seal() : has(level, &LevelKeys::write);
  }
  // The keys of `level` were there and are gone for good.
  [[nodiscard]] bool discarded(EncryptionLevel level) const {
    return (level == EncryptionLevel::kInitial && initial_discarded_) ||
           (level == EncryptionLevel::kHandshake && handshake_discarded_) ||
           (level == EncryptionLevel::kZeroRtt && zero_rtt_discarded_);
  }

  // Read keys of Initial packets of another version than the connection's: a client's while it does
  // not know which version the server takes, a server's for what comes late.
  [[nodiscard]] DirectionKeys* alternate(Version version) {
    const bool there = early_ != nullptr && early_->alternate_version == version;
    return there ? &early_->alternate_read : nullptr;
  }
  [[nodiscard]] std::optional<Version> alternate_version() const {
    return early_ != nullptr ? early_->alternate_version : std::nullopt;
  }
  DirectionKeys& set_alternate(Version version, DirectionKeys keys) {
    early_->alternate_version = version;
    return early_->alternate_read = std::move(keys);
  }
  void drop_alternate() {
    if (early_ == nullptr) return;
    early_->alternate_version.reset();
    early_->alternate_read = DirectionKeys{};
  }

  void discard_initial() {
    if (early_ != nullptr) early_->initial = LevelKeys{};
    drop_alternate();
    initial_discarded_ = true;
    if (handshake_discarded_) early_.reset();
  }
  void discard_handshake() {
    if (early_ != nullptr) early_->handshake = LevelKeys{};
    handshake_discarded_ = true;
    if (initial_discarded_) early_.reset();
  }

  void discard_zero_rtt() {
    zero_rtt_.reset();
    zero_rtt_discarded_ = true;
  }

  // Of another level than kOneRtt, and not once it is discarded.
  [[nodiscard]] LevelKeys& level(EncryptionLevel level) {
    if (level == EncryptionLevel::kZeroRtt) return *zero_rtt_;
    return level == EncryptionLevel::kInitial ? early_->initial : early_->handshake;
  }

  [[nodiscard]] HeaderKey& read_header(EncryptionLevel l) {
    return l == EncryptionLevel::kOneRtt ? one_rtt_.read_header() : level(l).read.header;
  }

  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const {
    return one_rtt_.memory() + (early_ != nullptr ? early_->memory() : 0) +
           (zero_rtt_ != nullptr ? sizeof(LevelKeys) + zero_rtt_->memory() : 0);
  }

 private:
  [[nodiscard]] bool has(EncryptionLevel level, DirectionKeys LevelKeys::* direction) const {
    if (level == EncryptionLevel::kZeroRtt) return zero_rtt_ != nullptr && !((*zero_rtt_).*direction).empty();
    if (early_ == nullptr) return false;
    if (level == EncryptionLevel::kInitial) return !(early_->initial.*direction).empty();
    if (level == EncryptionLevel::kHandshake) return !(early_->handshake.*direction).empty();
    return false;
  }

  struct EarlyKeys {
    LevelKeys initial;
    LevelKeys handshake;
    std::optional<Version> alternate_version;
    DirectionKeys alternate_read;

    [[nodiscard]] std::size_t memory() const {
      return sizeof(EarlyKeys) + initial.memory() + handshake.memory() + alternate_read.memory();
    }
  };
  std::unique_ptr<EarlyKeys> early_ = std::make_unique<EarlyKeys>();
  std::unique_ptr<LevelKeys> zero_rtt_;  // of the few connections that have any
  OneRttKeys one_rtt_;
  bool initial_discarded_ = false;
  bool handshake_discarded_ = false;
  bool zero_rtt_discarded_ = false;
};

}  // namespace hawser::quic
