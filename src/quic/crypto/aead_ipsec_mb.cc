// aead_ipsec_mb.cc: the AEAD backend over libipsec-mb's direct AES-GCM calls, which use the
// widest instructions of the CPU, and its call for many packets where the library has that. The manager is a table of
// functions here: it is made once per process and only read afterwards, so threads share it.
#include <cstring>
#include <new>

#include "base/check.h"
#include "quic/crypto/aead_backends.h"
#include "quic/crypto/key_memory.h"

#ifdef HAWSER_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace hawser::quic::ipsec_mb {

#ifdef HAWSER_HAVE_IPSEC_MB
namespace {

IMB_MGR* new_manager() {
  IMB_MGR* manager = alloc_mb_mgr(0);
  if (manager == nullptr) return nullptr;
  constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
  if ((manager->features & kNeeded) != kNeeded) {
    free_mb_mgr(manager);
    return nullptr;
  }
  init_mb_mgr_auto(manager, nullptr);
  if (imb_get_errno(manager) != 0) {
    free_mb_mgr(manager);
    return nullptr;
  }
  return manager;
}

IMB_MGR* manager() {
  static IMB_MGR* const kManager = new_manager();
  return kManager;
}

bool is_128(CipherSuite suite) {
  return suite == CipherSuite::kAes128GcmSha256;
}

void seal_pieces(const gcm_key_data* key, bool bits_128, const AeadNonce& nonce, Bytes aad,
                 std::span<const Bytes> plaintext, std::uint8_t* out) {
  gcm_context_data context;
  IMB_MGR* mgr = manager();
  if (bits_128) {
    IMB_AES128_GCM_INIT(mgr, key, &context, nonce.data(), aad.data(), aad.size());
  } else {
    IMB_AES256_GCM_INIT(mgr, key, &context, nonce.data(), aad.data(), aad.size());
  }
  for (const Bytes piece : plaintext) {
    if (piece.empty()) continue;
    if (bits_128) {
      IMB_AES128_GCM_ENC_UPDATE(mgr, key, &context, out, piece.data(), piece.size());
    } else {
      IMB_AES256_GCM_ENC_UPDATE(mgr, key, &context, out, piece.data(), piece.size());
    }
    out += piece.size();
  }
  if (bits_128) {
    IMB_AES128_GCM_ENC_FINALIZE(mgr, key, &context, out, kAeadTagLength);
  } else {
    IMB_AES256_GCM_ENC_FINALIZE(mgr, key, &context, out, kAeadTagLength);
  }
}

}  // namespace

bool is_available() {
  return manager() != nullptr;
}

void* make(CipherSuite suite, Bytes key) {
  gcm_key_data* expanded = KeyMemory<gcm_key_data>::take();
  if (is_128(suite)) {
    IMB_AES128_GCM_PRE(manager(), key.data(), expanded);
  } else {
    IMB_AES256_GCM_PRE(manager(), key.data(), expanded);
  }
  return expanded;
}

void destroy(void* state, CipherSuite) {
  KeyMemory<gcm_key_data>::give_back(static_cast<gcm_key_data*>(state));
}

void write_key(const void* state, MutableBytes out) {
  // The first round keys are the key itself (FIPS 197 section 5.2).
  std::memcpy(out.data(), static_cast<const gcm_key_data*>(state)->expanded_keys, out.size());
}

std::size_t memory() {
  return sizeof(gcm_key_data);
}

void seal(void* state, CipherSuite suite, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext,
          std::uint8_t* out) {
  const auto* key = static_cast<const gcm_key_data*>(state);
  if (plaintext.size() != 1) {
    seal_pieces(key, is_128(suite), nonce, aad, plaintext, out);
    return;
  }
  gcm_context_data context;
  const Bytes text = plaintext[0];
  std::uint8_t* const tag = out + text.size();
  if (is_128(suite)) {
    IMB_AES128_GCM_ENC(manager(), key, &context, out, text.data(), text.size(), nonce.data(), aad.data(), aad.size(),
                       tag, kAeadTagLength);
  } else {
    IMB_AES256_GCM_ENC(manager(), key, &context, out, text.data(), text.size(), nonce.data(), aad.data(), aad.size(),
                       tag, kAeadTagLength);
  }
}

bool open(void* state, CipherSuite suite, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag) {
  const auto* key = static_cast<const gcm_key_data*>(state);
  gcm_context_data context;
  std::uint8_t* const data = ciphertext_and_tag.data();
  const std::size_t length = ciphertext_and_tag.size() - kAeadTagLength;
  std::array<std::uint8_t, kAeadTagLength> tag;
  if (is_128(suite)) {
    IMB_AES128_GCM_DEC(manager(), key, &context, data, data, length, nonce.data(), aad.data(), aad.size(), tag.data(),
                       tag.size());
  } else {
    IMB_AES256_GCM_DEC(manager(), key, &context, data, data, length, nonce.data(), aad.data(), aad.size(), tag.data(),
                       tag.size());
  }
  return equal_constant_time(tag, ciphertext_and_tag.subspan(length));
}

#ifdef HAWSER_HAVE_IPSEC_MB_QUIC
namespace {

// The library's call for many packets takes one source for each, and one length of AAD for all.
constexpr std::size_t kTogether = 64;

class Batch {
 public:
  Batch(const gcm_key_data* key, CipherSuite suite, IMB_CIPHER_DIRECTION direction)
      : key_(key), key_size_(is_128(suite) ? IMB_KEY_128_BYTES : IMB_KEY_256_BYTES), direction_(direction) {}

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool takes(Bytes aad) const { return count_ == 0 || (count_ < kTogether && aad.size() == aad_size_); }
  // Encrypts or decrypts in place.
  void add(const AeadNonce& nonce, Bytes aad, MutableBytes text, std::uint8_t* tag) {
    texts_[count_] = text.data();
    sizes_[count_] = text.size();
    nonces_[count_] = nonce.data();
    aads_[count_] = aad.data();
    tags_[count_++] = tag;
    aad_size_ = aad.size();
  }
  void run() {
    imb_quic_aes_gcm(manager(), key_, key_size_, direction_, texts_.data(), texts_.data(), sizes_.data(),
                     nonces_.data(), aads_.data(), aad_size_, tags_.data(), kAeadTagLength, count_);
    count_ = 0;
  }

 private:
  const gcm_key_data* key_;
  IMB_KEY_SIZE_BYTES key_size_;
  IMB_CIPHER_DIRECTION direction_;
  std::size_t count_ = 0;
  std::size_t aad_size_ = 0;
  std::array<void*, kTogether> texts_;
  std::array<std::uint64_t, kTogether> sizes_;
  std::array<const void*, kTogether> nonces_;
  std::array<const void*, kTogether> aads_;
  std::array<void*, kTogether> tags_;
};

// Puts the pieces together in `out`, where some may lie already.
MutableBytes gather(std::span<const Bytes> pieces, std::uint8_t* out) {
  std::size_t size = 0;
  for (const Bytes piece : pieces) {
    if (!piece.empty() && piece.data() != out + size) std::memcpy(out + size, piece.data(), piece.size());
    size += piece.size();
  }
  return {out, size};
}

}  // namespace

void seal_run(void* state, CipherSuite suite, std::span<const AeadNonce> nonces,
              std::span<const PacketToSeal> packets) {
  Batch batch(static_cast<const gcm_key_data*>(state), suite, IMB_DIR_ENCRYPT);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const PacketToSeal& packet = packets[i];
    if (!batch.takes(packet.header)) batch.run();
    const MutableBytes text = gather(packet.plaintext, packet.out);
    batch.add(nonces[i], packet.header, text, packet.out + text.size());
  }
  if (batch.size() != 0) batch.run();
}

void open_run(void* state, CipherSuite suite, std::span<const AeadNonce> nonces, std::span<PacketToOpen> packets) {
  Batch batch(static_cast<const gcm_key_data*>(state), suite, IMB_DIR_DECRYPT);
  std::array<std::array<std::uint8_t, kAeadTagLength>, kTogether> tags;
  std::size_t first = 0;
  const auto run = [&] {
    const std::size_t count = batch.size();
    batch.run();
    for (std::size_t i = 0; i < count; ++i) {
      PacketToOpen& packet = packets[first + i];
      packet.opened = equal_constant_time(tags[i], packet.sealed.last(kAeadTagLength));
    }
    first += count;
  };
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const PacketToOpen& packet = packets[i];
    if (!batch.takes(packet.header)) run();
    batch.add(nonces[i], packet.header, packet.sealed.first(packet.sealed.size() - kAeadTagLength),
              tags[batch.size()].data());
  }
  if (batch.size() != 0) run();
}

#else

void seal_run(void* state, CipherSuite suite, std::span<const AeadNonce> nonces,
              std::span<const PacketToSeal> packets) {
  for (std::size_t i = 0; i < packets.size(); ++i)
    seal(state, suite, nonces[i], packets[i].header, packets[i].plaintext, packets[i].out);
}

void open_run(void* state, CipherSuite suite, std::span<const AeadNonce> nonces, std::span<PacketToOpen> packets) {
  for (std::size_t i = 0; i < packets.size(); ++i)
    packets[i].opened = open(state, suite, nonces[i], packets[i].header, packets[i].sealed);
}

#endif  // HAWSER_HAVE_IPSEC_MB_QUIC

#else

bool is_available() {
  return false;
}
void* make(CipherSuite, Bytes) {
  HAWSER_CHECK(is_available());
  return nullptr;
}
void destroy(void*, CipherSuite) {}
void write_key(const void*, MutableBytes) {
  HAWSER_CHECK(is_available());
}
std::size_t memory() {
  return 0;
}
void seal(void*, CipherSuite, const AeadNonce&, Bytes, std::span<const Bytes>, std::uint8_t*) {
  HAWSER_CHECK(is_available());
}
bool open(void*, CipherSuite, const AeadNonce&, Bytes, MutableBytes) {
  return false;
}
void seal_run(void*, CipherSuite, std::span<const AeadNonce>, std::span<const PacketToSeal>) {
  HAWSER_CHECK(is_available());
}
void open_run(void*, CipherSuite, std::span<const AeadNonce>, std::span<PacketToOpen>) {
  HAWSER_CHECK(is_available());
}

#endif

}  // namespace hawser::quic::ipsec_mb
