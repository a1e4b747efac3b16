// packet_protection.cc: which key opens a packet, and when keys change (RFC 9001 section 6).
#include "quic/crypto/packet_protection.h"

#include <algorithm>

#include "base/check.h"

namespace hawser::quic {
namespace {

// A packet key without a header key: key updates leave header protection alone.
PacketKey packet_key(const VersionKeyTable& table, CipherSuite suite, Bytes secret, CryptoBackend backend) {
  const KeyMaterial material(table, suite, secret);
  return PacketKey(suite, material.key(), material.iv(), backend);
}

}  // namespace

DirectionKeys::DirectionKeys(const VersionKeyTable& table, CipherSuite suite, Bytes secret, CryptoBackend backend) {
  const KeyMaterial material(table, suite, secret);
  packet = PacketKey(suite, material.key(), material.iv(), backend);
  header = HeaderKey(suite, material.hp(), backend);
}

LevelKeys initial_keys(const VersionKeyTable& table, Role role, Bytes dcid, CryptoBackend backend) {
  const InitialSecrets secrets = initial_secrets(table, dcid);
  const Secret& own = role == Role::kClient ? secrets.client : secrets.server;
  const Secret& theirs = role == Role::kClient ? secrets.server : secrets.client;
  LevelKeys keys;
  keys.read = DirectionKeys(table, kInitialSuite, theirs.view(), backend);
  keys.write = DirectionKeys(table, kInitialSuite, own.view(), backend);
  return keys;
}

class OneRttKeys::FoldedKeys {
 public:
  static constexpr std::size_t kKeys = 5;

  explicit FoldedKeys(CipherSuite suite)
      : length_(key_length(suite)), octets_(std::make_unique<std::uint8_t[]>(kKeys * length_)) {}
  FoldedKeys(const FoldedKeys&) = delete;
  FoldedKeys& operator=(const FoldedKeys&) = delete;
  ~FoldedKeys() { wipe({octets_.get(), memory()}); }

  [[nodiscard]] MutableBytes key(std::size_t i) { return {octets_.get() + i * length_, length_}; }
  [[nodiscard]] std::size_t memory() const { return kKeys * length_; }

 private:
  std::size_t length_;
  std::unique_ptr<std::uint8_t[]> octets_;
};

OneRttKeys::OneRttKeys(const OneRttOptions& options) : options_(options) {}
OneRttKeys::~OneRttKeys() = default;

void OneRttKeys::fold() {
  if (folded_ != nullptr || !can_open() || !can_seal()) return;
  folded_ = std::make_unique<FoldedKeys>(suite_);
  read_current_.fold(folded_->key(0));
  read_next_.fold(folded_->key(1));
  write_current_.fold(folded_->key(2));
  read_header_.fold(folded_->key(3));
  write_header_.fold(folded_->key(4));
}

void OneRttKeys::unfold() {
  const std::unique_ptr<FoldedKeys> keys = std::move(folded_);
  read_current_.unfold(keys->key(0));
  read_next_.unfold(keys->key(1));
  write_current_.unfold(keys->key(2));
  read_header_.unfold(keys->key(3));
  write_header_.unfold(keys->key(4));
}

std::size_t OneRttKeys::memory() const {
  std::size_t octets = phases_.capacity() * sizeof(PathPhase);
  if (folded_ != nullptr) octets += sizeof(FoldedKeys) + folded_->memory();
  for (const PacketKey* key : {&read_previous_, &read_current_, &read_next_, &write_current_}) octets += key->memory();
  return octets + read_header_.memory() + write_header_.memory();
}

void OneRttKeys::set_read_secret(CipherSuite suite, Bytes secret) {
  HAWSER_CHECK(!can_open());
  has_read_secret_ = true;
  suite_ = suite;
  DirectionKeys keys(table(), suite, secret, options_.backend);
  read_current_ = std::move(keys.packet);
  read_header_ = std::move(keys.header);
  read_next_secret_ = Secret(secret);
  derive_next_read();
}

void OneRttKeys::set_write_secret(CipherSuite suite, Bytes secret) {
  HAWSER_CHECK(!can_seal());
  has_write_secret_ = true;
  suite_ = suite;
  DirectionKeys keys(table(), suite, secret, options_.backend);
  write_current_ = std::move(keys.packet);
  write_header_ = std::move(keys.header);
  write_secret_ = Secret(secret);
}

// rfc9001:6.3-keep-next rfc9001:6.3-two-sets rfc9001:9.5-next-keys rfc9001:6.3-no-side-channel
void OneRttKeys::derive_next_read() {
  read_next_secret_ = next_generation_secret(table(), suite_, read_next_secret_.view());
  read_next_ = packet_key(table(), suite_, read_next_secret_.view(), options_.backend);
}

std::uint64_t OneRttKeys::seal_limit() const {
  const std::uint64_t limit = confidentiality_limit(suite_);
  return options_.confidentiality_limit == 0 ? limit : std::min(limit, options_.confidentiality_limit);
}

std::uint64_t OneRttKeys::failure_limit() const {
  const std::uint64_t limit = integrity_limit(suite_);
  return options_.integrity_limit == 0 ? limit : std::min(limit, options_.integrity_limit);
}

OneRttKeys::PathPhase& OneRttKeys::phase_of(PathId path) {
  if (!phases_.empty() && phases_[last_phase_].path == path.value) return phases_[last_phase_];
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    if (phases_[i].path == path.value) {
      last_phase_ = i;
      return phases_[i];
    }
  }
  if (phases_.size() < kTrackedPaths) {
    last_phase_ = phases_.size();
    phases_.emplace_back();
  } else {
    const auto lowest = std::min_element(phases_.begin(), phases_.end(),
                                         [](const PathPhase& a, const PathPhase& b) { return a.path < b.path; });
    last_phase_ = static_cast<std::size_t>(lowest - phases_.begin());
  }
  phases_[last_phase_] = PathPhase{};
  phases_[last_phase_].path = path.value;
  return phases_[last_phase_];
}

// rfc9001:6.6-count rfc9001:6.6-confidentiality
void OneRttKeys::seal_run(PathId path, std::span<const PacketToSeal> packets) {
  HAWSER_CHECK(packets_sealed_ + packets.size() <= seal_limit());
  if (packets.empty()) return;
  if (folded_ != nullptr) unfold();
  packets_sealed_ += packets.size();
  if (!confirmed_) {
    PathPhase& phase = phase_of(path);
    if (phase.first_sealed == kNoNumber) phase.first_sealed = packets.front().number.value;
  }
  write_current_.seal_run(path, packets);
}

void OneRttKeys::seal(PathId path, PacketNumber pn, Bytes header, std::span<const Bytes> plaintext, std::uint8_t* out) {
  const PacketToSeal packet{.number = pn, .header = header, .plaintext = plaintext, .out = out};
  seal_run(path, {&packet, 1});
}

void OneRttKeys::open_run(PathId path, std::span<PacketToOpen> packets) {
  HAWSER_DCHECK(can_open());
  if (folded_ != nullptr) unfold();
  read_current_.open_run(path, packets);
}

Parsed<bool> OneRttKeys::on_opened_in_run(PathId path, const PacketToOpen& packet, Timestamp now) {
  if (now >= previous_expiry_) drop_previous_read();
  return packet.opened ? on_opened_with_current(phase_of(path), packet.number) : on_open_failed();
}

Parsed<bool> OneRttKeys::open(PathId path, PacketNumber pn, bool key_phase, Bytes header,
                              MutableBytes ciphertext_and_tag, Timestamp now) {
  HAWSER_DCHECK(can_open());
  if (folded_ != nullptr) unfold();
  if (now >= previous_expiry_) drop_previous_read();
  PathPhase& phase = phase_of(path);
  if (key_phase == ((read_generation_ & 1) != 0)) {
    if (!read_current_.open(path, pn, header, ciphertext_and_tag)) return on_open_failed();
    return on_opened_with_current(phase, pn);
  }
  // The other phase is the one before if the packet is older than the change, else the one
  // after. A path that has shown nothing of the current phase gives no order; then the old
  // key is right, because a peer waits three PTOs before it changes again.
  const bool older = phase.lowest_opened == kNoNumber || pn.value < phase.lowest_opened;
  if (older && !read_previous_.empty()) {
    if (!read_previous_.open(path, pn, header, ciphertext_and_tag)) return on_open_failed();
    if (phase.highest_opened_old == kNoNumber || phase.highest_opened_old < pn.value)
      phase.highest_opened_old = pn.value;
    return true;
  }
  if (!read_next_.open(path, pn, header, ciphertext_and_tag)) return on_open_failed();
  return on_opened_with_next(phase, pn, now);
}

// rfc9001:6.6-count-failed rfc9001:6.6-integrity rfc9001:5.5-update-unopened
Parsed<bool> OneRttKeys::on_open_failed() {
  // RFC 9001 section 6.6: counted over all keys of the connection.
  if (++packets_failed_ > failure_limit()) {
    return fail(TransportErrorCode::kAeadLimitReached, "too many packets failed authentication");
  }
  return false;
}

// rfc9001:6.4-old-keys rfc9001:5.5-later-packets
Parsed<bool> OneRttKeys::on_opened_with_current(PathPhase& phase, PacketNumber pn) {
  // RFC 9001 section 6.4: a key never protects a packet above one of a newer key.
  if (phase.highest_opened_old != kNoNumber && pn.value < phase.highest_opened_old) {
    return fail(TransportErrorCode::kKeyUpdateError, "old keys used after a key update");
  }
  if (phase.lowest_opened == kNoNumber) {
    phase.lowest_opened = phase.highest_opened = pn.value;
  } else {
    phase.lowest_opened = std::min(phase.lowest_opened, pn.value);
    phase.highest_opened = std::max(phase.highest_opened, pn.value);
  }
  return true;
}

// rfc9001:6.2-respond rfc9001:6.2-before-ack
Parsed<bool> OneRttKeys::on_opened_with_next(PathPhase& phase, PacketNumber pn, Timestamp now) {
  // RFC 9001 section 6.2: the peer may change again only once it saw an acknowledgement
  // under the keys that answer its last change; if none was sent, it cannot have.
  const bool unanswered = read_generation_ > 0 && write_generation_ == read_generation_ && packets_sealed_ == 0;
  if (unanswered) return fail(TransportErrorCode::kKeyUpdateError, "two key updates without confirmation");
  if (phase.highest_opened != kNoNumber && pn.value < phase.highest_opened) {
    return fail(TransportErrorCode::kKeyUpdateError, "old keys used after a key update");
  }
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    PathPhase& each = phases_[i];
    if (each.highest_opened != kNoNumber) each.highest_opened_old = each.highest_opened;
    each.lowest_opened = each.highest_opened = kNoNumber;
  }
  phase.lowest_opened = phase.highest_opened = pn.value;
  read_previous_ = std::move(read_current_);
  read_current_ = std::move(read_next_);
  ++read_generation_;
  previous_expiry_ = now + kRetentionPtos * pto_;
  derive_next_read();
  if (write_generation_ < read_generation_ && can_seal()) advance_write_generation();
  return true;
}

// rfc9001:6.1-retain rfc9001:6.1-retain-longer rfc9001:6.5-old-keys rfc9001:6.5-discard
void OneRttKeys::drop_previous_read() {
  read_previous_ = PacketKey();
  previous_expiry_ = kNever;
}

// rfc9001:6.4-order
void OneRttKeys::advance_write_generation() {
  if (folded_ != nullptr) unfold();
  write_secret_ = next_generation_secret(table(), suite_, write_secret_.view());
  write_current_ = packet_key(table(), suite_, write_secret_.view(), options_.backend);
  ++write_generation_;
  packets_sealed_ = 0;
  confirmed_ = false;
  for (std::size_t i = 0; i < phases_.size(); ++i) phases_[i].first_sealed = kNoNumber;
}

void OneRttKeys::on_acknowledged(PathId path, PacketNumber largest_newly_acknowledged, Timestamp now) {
  if (confirmed_) return;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    const PathPhase& phase = phases_[i];
    if (phase.path != path.value || phase.first_sealed == kNoNumber) continue;
    if (largest_newly_acknowledged.value < phase.first_sealed) continue;
    confirmed_ = true;
    confirmed_at_ = now;
  }
}

// rfc9001:6.1-confirmed rfc9001:6.1-acknowledged rfc9001:6.5-three-pto
bool OneRttKeys::may_initiate_update(Timestamp now) const {
  if (!handshake_confirmed_ || !confirmed_ || write_generation_ != read_generation_) return false;
  return write_generation_ == 0 || now >= confirmed_at_ + kRetentionPtos * pto_;
}

bool OneRttKeys::initiate_update(Timestamp now) {
  if (!may_initiate_update(now)) return false;
  advance_write_generation();
  return true;
}

// rfc9001:5.3-update-before-limit rfc9001:6.6-update rfc9001:6.6-stop rfc9001:6.6-close
Parsed<void> OneRttKeys::maintain(Timestamp now, Duration pto) {
  pto_ = pto;
  if (now >= previous_expiry_) drop_previous_read();
  const std::uint64_t limit = seal_limit();
  if (packets_sealed_ >= limit / 2) initiate_update(now);
  if (packets_sealed_ + std::min(kSealMargin, limit / 4) > limit) {
    return fail(TransportErrorCode::kAeadLimitReached, "write key used up and no key update possible");
  }
  return {};
}

}  // namespace hawser::quic
