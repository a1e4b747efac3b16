// verdict.h: whether a run went well.
#pragma once

#include <string>
#include <utility>

namespace hawser::sim {

// The first thing that went wrong, if anything did. Shared by all that watch a run.
class Verdict {
 public:
  void fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
  }
  [[nodiscard]] bool failed() const { return !failure_.empty(); }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  std::string failure_;
};

}  // namespace hawser::sim
