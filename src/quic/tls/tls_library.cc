// tls_library.cc: an OpenSSL provider with one algorithm, and the library context that has it.
#include "quic/tls/tls_library.h"

#include <openssl/conf.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "quic/crypto/key_schedule.h"

namespace hawser::quic {
namespace {

// What OpenSSL says about one derivation. All its parameters come with the call.
struct Derivation {
  int mode = 0;
  std::optional<CipherSuite> suite;  // one with the digest named
  std::optional<Bytes> key;
  std::optional<Bytes> salt;
  Bytes prefix;
  Bytes label;
  Bytes context;
};

Bytes octets_of(const OSSL_PARAM& param) {
  return {static_cast<const std::uint8_t*>(param.data), param.data_size};
}

std::optional<CipherSuite> suite_with(std::string_view digest) {
  if (digest == "SHA2-256" || digest == "SHA256") return CipherSuite::kAes128GcmSha256;
  if (digest == "SHA2-384" || digest == "SHA384") return CipherSuite::kAes256GcmSha384;
  return std::nullopt;
}

bool read(const OSSL_PARAM* params, Derivation& derivation) {
  for (const OSSL_PARAM* param = params; param != nullptr && param->key != nullptr; ++param) {
    const std::string_view name = param->key;
    if (name == OSSL_KDF_PARAM_MODE) {
      if (OSSL_PARAM_get_int(param, &derivation.mode) != 1) return false;
    } else if (name == OSSL_KDF_PARAM_DIGEST) {
      derivation.suite = suite_with(as_text(octets_of(*param)));
    } else if (name == OSSL_KDF_PARAM_KEY) {
      derivation.key = octets_of(*param);
    } else if (name == OSSL_KDF_PARAM_SALT) {
      derivation.salt = octets_of(*param);
    } else if (name == OSSL_KDF_PARAM_PREFIX) {
      derivation.prefix = octets_of(*param);
    } else if (name == OSSL_KDF_PARAM_LABEL) {
      derivation.label = octets_of(*param);
    } else if (name == OSSL_KDF_PARAM_DATA) {
      derivation.context = octets_of(*param);
    }
  }
  return derivation.suite.has_value();
}

// A step of RFC 8446 section 7.1 from one secret of the schedule to the next: Derive-Secret
// with the label "derived" and no messages, then HKDF-Extract. What is absent is zeros.
bool extract(const Derivation& derivation, MutableBytes out) {
  static constexpr std::array<std::uint8_t, Secret::kMaxLength> kZeros{};
  const CipherSuite suite = *derivation.suite;
  const Bytes zeros = Bytes(kZeros).first(hash_length(suite));
  if (out.size() != zeros.size()) return false;
  Secret salt(zeros);
  if (derivation.salt) {
    HkdfSecret(suite, *derivation.salt)
        .expand_label(as_text(derivation.label), salt.mutable_view(), hash_of_nothing(zeros.size()));
  }
  const Secret next = hkdf_extract(suite, salt.view(), derivation.key.value_or(zeros));
  std::memcpy(out.data(), next.view().data(), out.size());
  return true;
}

bool derive(const OSSL_PARAM* params, MutableBytes out) {
  Derivation derivation;
  if (!read(params, derivation) || as_text(derivation.prefix) != "tls13 ") return false;
  if (derivation.label.size() > HkdfSecret::kMaxLabel || derivation.context.size() > Secret::kMaxLength) return false;
  if (derivation.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) return extract(derivation, out);
  if (derivation.mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || !derivation.key || out.size() > HkdfSecret::kMaxOutput)
    return false;
  HkdfSecret(*derivation.suite, *derivation.key).expand_label(as_text(derivation.label), out, derivation.context);
  return true;
}

// The functions whose addresses OpenSSL gets. A context of ours holds nothing.
struct ProviderFunctions {
  static void* new_context(void*) {
    static char nothing;
    return &nothing;
  }
  static void free_context(void*) {}
  static int kdf_derive(void*, unsigned char* out, std::size_t size, const OSSL_PARAM params[]) {
    return derive(params, {out, size}) ? 1 : 0;
  }
  static const OSSL_ALGORITHM* algorithms(void*, int operation, int* no_cache) {
    static const OSSL_DISPATCH kKdf[] = {row(OSSL_FUNC_KDF_NEWCTX, &new_context),
                                         row(OSSL_FUNC_KDF_FREECTX, &free_context),
                                         row(OSSL_FUNC_KDF_DERIVE, &kdf_derive), OSSL_DISPATCH_END};
    static const OSSL_ALGORITHM kKdfs[] = {
        {OSSL_KDF_NAME_TLS1_3_KDF, "provider=hawser", kKdf, "key schedule of TLS 1.3"}, {}};
    *no_cache = 0;
    return operation == OSSL_OP_KDF ? kKdfs : nullptr;
  }
  static int begin(const OSSL_CORE_HANDLE* core, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context) {
    static const OSSL_DISPATCH kProvider[] = {row(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &algorithms), OSSL_DISPATCH_END};
    *out = kProvider;
    *context = const_cast<OSSL_CORE_HANDLE*>(core);  // OpenSSL wants one; nothing looks into it
    return 1;
  }
  template <class F>
  static OSSL_DISPATCH row(int id, F* function) {
    return {id, reinterpret_cast<void (*)(void)>(function)};
  }
};

OSSL_LIB_CTX* make_library() {
  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  HAWSER_CHECK(library != nullptr);
  // The machine's policy, such as the least strength of keys, is in OpenSSL's configuration.
  if (char* file = CONF_get1_default_config_file(); file != nullptr) {
    OSSL_LIB_CTX_load_config(library, file);
    OPENSSL_free(file);
  }
  HAWSER_CHECK(OSSL_PROVIDER_load(library, "default") != nullptr);
  HAWSER_CHECK(OSSL_PROVIDER_add_builtin(library, "hawser", &ProviderFunctions::begin) == 1);
  HAWSER_CHECK(OSSL_PROVIDER_load(library, "hawser") != nullptr);
  ERR_clear_error();  // a machine without the file is legal
  return library;
}

}  // namespace

OSSL_LIB_CTX* tls_library() {
  static OSSL_LIB_CTX* const kLibrary = make_library();
  return kLibrary;
}

}  // namespace hawser::quic
