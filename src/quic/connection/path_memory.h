// path_memory.h: a connection's part in Careful Resume (RFC 9959): it gives the controller what an earlier
// connection knew of the path, decides whether that may be used, and observes the path for later ones.
// Made only where Careful Resume is switched on.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "events/event_sink.h"
#include "quic/congestion/careful_resume.h"
#include "quic/connection/config.h"
#include "quic/path/path.h"

namespace hawser::quic {

class ResumeClaims;  // connection/resume_claims.h

class PathMemory final : private CarefulResumeObserver {
 public:
  // Section 3.1: a smaller window is not worth remembering.
  static constexpr std::uint64_t kWorthInitialWindows = 4;
  // The path is looked at once in so many round trips: in slow start it carries twice as much in the next.
  static constexpr std::int64_t kRoundsBetweenLooks = 1;

  // None of them owned. `claims`: servers, whose clients bring what they remember; null: what is given is
  // the caller's alone.
  PathMemory(Path& path, const EventEmitter& events, const ConnectionConfig& config, ResumeClaims* claims)
      : path_(path), events_(events), config_(config), claims_(claims) {}

  // Before anything is sent: what is remembered of this path, by the sender itself.
  void resume(const SavedPath& saved, Timestamp now);
  // After acknowledgements and losses, when it is due. Returns when it is again.
  Timestamp look(Timestamp now);
  // What a later connection may use: as observed now, or what was given and is still unused.
  [[nodiscard]] std::optional<SavedPath> saved(Timestamp now) const;
  // True once after that changed so much that who keeps it should be told.
  bool take_news() { return std::exchange(news_, false); }

  // Octets of window that the connection jumped to; 0: it did not jump.
  [[nodiscard]] std::uint64_t jumped_to() const { return jumped_to_; }
  // The jump was too much.
  [[nodiscard]] bool retreated() const { return retreated_; }

 private:
  struct Observed {
    SavedPath path;  // `age` is as of `at`
    Timestamp at;
  };

  CarefulResumeTrigger claim(Timestamp now) override;
  void on_step(const CarefulResumeStep& step) override;
  void observe(Timestamp now);
  [[nodiscard]] std::uint64_t carried() const;
  [[nodiscard]] bool is_here(const SavedPath& saved) const;
  [[nodiscard]] SavedPath aged(const Observed& observed, Timestamp now) const;

  Path& path_;
  const EventEmitter& events_;
  const ConnectionConfig& config_;
  ResumeClaims* claims_;
  std::optional<Observed> given_;  // until it is used
  std::optional<Observed> observed_;
  std::uint64_t jumped_to_ = 0;
  bool retreated_ = false;
  bool news_ = false;
  std::uint64_t told_ = 0;  // saved_cwnd at the last news
  Timestamp told_at_{};
};

}  // namespace hawser::quic
