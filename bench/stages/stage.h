// stage.h: a stage of a packet's way, as something that can be timed and counted: a fixed
// amount of work, done over and over, of which only the measured part counts.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace hawser::stages {

// How the measured parts of a round are run.
enum class MeterMode : std::uint8_t {
  kWarmUp,  // plain calls
  kTime,    // between two looks at the clock
  kCount,   // through a function that callgrind knows by name
};

class Meter {
 public:
  explicit Meter(MeterMode mode) : mode_(mode) {}

  // Runs `work`, which is what the stage costs; everything outside is preparation.
  template <class Work>
  void measure(Work work) {
    run([](void* argument) { (*static_cast<Work*>(argument))(); }, &work);
  }
  void run(void (*work)(void*), void* argument);

  [[nodiscard]] std::uint64_t nanoseconds() const { return nanoseconds_; }
  [[nodiscard]] std::uint64_t parts() const { return parts_; }  // calls of run() so far

 private:
  MeterMode mode_;
  std::uint64_t nanoseconds_ = 0;
  std::uint64_t parts_ = 0;
};

// A stage with what it needs at hand.
class Work {
 public:
  virtual ~Work() = default;
  // Does the stage's work once; returns the units that were measured.
  virtual std::uint64_t round(Meter& meter) = 0;
};

struct Stage {
  std::string_view name;
  std::string_view unit;  // what one unit is: "packet", "ACK", "request"
  // Null if the machine or the build cannot do it.
  std::unique_ptr<Work> (*make)();
  // It is about the AEAD. Of other stages' instructions those of the AEAD are left out: they are
  // many, depend on the CPU, and would hide what the stage itself grows by.
  bool is_aead = false;
};

std::span<const Stage> crypto_stages();
std::span<const Stage> wire_stages();
std::span<const Stage> stream_stages();
std::span<const Stage> recovery_stages();
std::span<const Stage> transfer_stages();
std::span<const Stage> http3_stages();

// Keeps the compiler from leaving out work whose result nobody reads.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace hawser::stages
