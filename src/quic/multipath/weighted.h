// weighted.h: octets by the weights of the paths, as long as the windows leave a choice. A path whose window
// is full is passed over rather than waited for, so weights never leave capacity unused.
#pragma once

#include "quic/multipath/path_notes.h"

namespace hawser::quic {

class WeightedScheduler final : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  void on_sent(PathId path, std::uint64_t octets, Timestamp) override { notes_[path].sent += octets * kScale; }
  void on_path_gone(PathId path) override { notes_.forget(path); }
  [[nodiscard]] std::string_view name() const override { return "weighted"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }

 private:
  static constexpr std::uint64_t kScale = 1'024;
  struct Note {
    std::uint64_t sent = 0;  // octets in 1/1024 that are not in its progress yet
    std::uint64_t progress = 0;
  };
  // Octets over weight, in 1/1024: who has least is next. What does not divide is kept, so that shares are exact.
  std::uint64_t progress_of(const PathFacts& path);
  // What a whole turn adds to it.
  static std::uint64_t turn_progress(const PathFacts& path);

  PathNotes<Note> notes_;
};

}  // namespace hawser::quic
