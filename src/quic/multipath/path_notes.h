// path_notes.h: what a scheduler remembers of each path, found by Path ID: a few entries in place, no heap.
#pragma once

#include <array>

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

// When more paths come than there is room for, the note that was least lately asked for is begun anew.
template <class Note>
class PathNotes {
 public:
  Note& operator[](PathId id) {
    Entry* oldest = &entries_[0];
    for (Entry& entry : entries_) {
      if (entry.used_at != 0 && entry.id == id) {
        entry.used_at = ++uses_;
        return entry.note;
      }
      if (entry.used_at < oldest->used_at) oldest = &entry;
    }
    *oldest = {.id = id, .used_at = ++uses_, .note = Note{}};
    return oldest->note;
  }

  void forget(PathId id) {
    for (Entry& entry : entries_)
      if (entry.used_at != 0 && entry.id == id) entry = Entry{};
  }

 private:
  struct Entry {
    PathId id;
    std::uint64_t used_at = 0;  // 0: free
    Note note{};
  };
  std::array<Entry, kMaxScheduledPaths> entries_{};
  std::uint64_t uses_ = 0;
};

}  // namespace hawser::quic
