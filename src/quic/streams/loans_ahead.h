// loans_ahead.h: borrowed views behind a gap, as runs without gaps, until the gap is closed or the loan ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace hawser::quic {

class LoansAhead {
 public:
  // Runs at once; one more is copied. Two paths that bring trains in turn make one run for each train of a batch.
  static constexpr std::size_t kRunsMax = 64;
  // A copy of fewer octets costs less than the account of a view, which is 24 octets: what a peer makes us note of a
  // batch is below two fifths of it, with the room that vectors grow by.
  static constexpr std::size_t kOctetsMin = 128;

  // Notes `data` at `offset`. False, with nothing noted: it is small, overlaps what is here, or there are
  // kRunsMax runs.
  bool add(std::uint64_t offset, Bytes data);
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  // Where the first run begins, of at least one.
  [[nodiscard]] std::uint64_t begin() const { return runs_.front().begin; }
  // Takes the first run out and calls visit(Bytes) for each view of it, in order. Returns its end.
  template <class Visit>
  std::uint64_t take_first(Visit&& visit) {
    const Run run = runs_.front();
    runs_.erase(runs_.begin());
    for (std::uint32_t at = run.first; at != kNone; at = views_[at].next) visit(views_[at].data);
    if (runs_.empty()) views_.clear();
    return run.end;
  }
  void clear() {
    runs_.clear();
    views_.clear();
  }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return runs_.capacity() * sizeof(Run) + views_.capacity() * sizeof(View); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct View {
    Bytes data;
    std::uint32_t next = kNone;  // of the same run
  };
  struct Run {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  std::vector<View> views_;  // emptied when there are no runs
  std::vector<Run> runs_;    // by offset, apart or touching
};

}  // namespace hawser::quic
