// deterministic_random.cc: replaces OpenSSL's random method. The call is deprecated in favour
// of providers, but it is the one place that all of OpenSSL's own code asks first.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "quic/tls/deterministic_random.h"

#include <openssl/rand.h>

#include <memory>

#include "base/check.h"
#include "base/random.h"

namespace hawser::quic {
namespace {

// OpenSSL's method has no argument to carry state, so the state is here. Simulations are
// single threaded.
std::unique_ptr<SeededRandom> seeded;

int fill(unsigned char* out, int size) {
  seeded->fill({out, static_cast<std::size_t>(size)});
  return 1;
}
int seed_ignored(const void*, int) {
  return 1;
}
int add_ignored(const void*, int, double) {
  return 1;
}
int ready() {
  return 1;
}

const RAND_METHOD kMethod{&seed_ignored, &fill, nullptr, &add_ignored, &fill, &ready};

}  // namespace

DeterministicTlsRandom::DeterministicTlsRandom(std::uint64_t seed) {
  HAWSER_CHECK(seeded == nullptr);
  seeded = std::make_unique<SeededRandom>(seed);
  HAWSER_CHECK(RAND_set_rand_method(&kMethod) == 1);
}

DeterministicTlsRandom::~DeterministicTlsRandom() {
  RAND_set_rand_method(RAND_OpenSSL());
  seeded.reset();
}

}  // namespace hawser::quic
