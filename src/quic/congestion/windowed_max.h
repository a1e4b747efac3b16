// windowed_max.h: the largest value of the last so many rounds, cycles or nanoseconds, kept in three
// samples: each is the largest since the one before it.
#pragma once

#include <cstdint>

namespace hawser::quic {

class WindowedMax {
 public:
  // `time` never goes back; a sample counts for `window` of its units.
  void update(std::uint64_t value, std::uint64_t time, std::uint64_t window) {
    const Sample fresh{value, time};
    if (value >= best_[0].value || time - best_[2].time > window) {
      best_[0] = best_[1] = best_[2] = fresh;
      return;
    }
    if (value >= best_[1].value) {
      best_[1] = best_[2] = fresh;
    } else if (value >= best_[2].value) {
      best_[2] = fresh;
    }
    expire(fresh, window);
  }
  [[nodiscard]] std::uint64_t value() const { return best_[0].value; }
  void reset(std::uint64_t value = 0, std::uint64_t time = 0) { best_[0] = best_[1] = best_[2] = Sample{value, time}; }

 private:
  struct Sample {
    std::uint64_t value = 0;
    std::uint64_t time = 0;
  };

  // The best may be too old, and the second and third must not be of its age: when it expires there
  // has to be a younger one.
  void expire(const Sample& fresh, std::uint64_t window) {
    const std::uint64_t age = fresh.time - best_[0].time;
    if (age > window) {
      best_[0] = best_[1];
      best_[1] = best_[2];
      best_[2] = fresh;
      if (fresh.time - best_[0].time > window) {
        best_[0] = best_[1];
        best_[1] = best_[2];
      }
    } else if (best_[1].time == best_[0].time && age > window / 4) {
      best_[1] = best_[2] = fresh;
    } else if (best_[2].time == best_[1].time && age > window / 2) {
      best_[2] = fresh;
    }
  }

  Sample best_[3];
};

}  // namespace hawser::quic
