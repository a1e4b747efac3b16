// key_ring.h: the keys of a connection by encryption level, from the first Initial packet to
// the 1-RTT keys that stay (RFC 9001 section 4.9 says when the others go).
#pragma once

#include "quic/crypto/packet_protection.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class KeyRing {
 public:
  explicit KeyRing(const OneRttOptions& one_rtt) : one_rtt_(one_rtt) {}

  void set_initial(LevelKeys keys) { initial_ = std::move(keys); }
  void set_handshake_read(DirectionKeys keys) { handshake_.read = std::move(keys); }
  void set_handshake_write(DirectionKeys keys) { handshake_.write = std::move(keys); }
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
           (level == EncryptionLevel::kHandshake && handshake_discarded_);
  }

  void discard_initial() {
    initial_ = LevelKeys{};
    initial_discarded_ = true;
  }
  void discard_handshake() {
    handshake_ = LevelKeys{};
    handshake_discarded_ = true;
  }

  // Of kInitial or kHandshake only.
  [[nodiscard]] LevelKeys& level(EncryptionLevel level) {
    return level == EncryptionLevel::kInitial ? initial_ : handshake_;
  }

  [[nodiscard]] HeaderKey& read_header(EncryptionLevel l) {
    return l == EncryptionLevel::kOneRtt ? one_rtt_.read_header() : level(l).read.header;
  }

 private:
  [[nodiscard]] bool has(EncryptionLevel level, DirectionKeys LevelKeys::* direction) const {
    if (level == EncryptionLevel::kInitial) return !(initial_.*direction).empty();
    if (level == EncryptionLevel::kHandshake) return !(handshake_.*direction).empty();
    return false;
  }

  LevelKeys initial_;
  LevelKeys handshake_;
  OneRttKeys one_rtt_;
  bool initial_discarded_ = false;
  bool handshake_discarded_ = false;
};

}  // namespace hawser::quic
