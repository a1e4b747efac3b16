// open_files.h: the descriptors that bodies are read from. Each body has its own while there are few; past that, those
// of one file share one, so that who asks for it ten thousand times and reads nothing does not use them up. How many
// there may be is bounded, so that some are left for whoever asks for a file that is soon read.
#pragma once

#include <cstddef>
#include <memory>

#include "http/file_tree.h"

namespace hawser::http {

// Used, and its handles let go of, on one thread.
class OpenFiles {
 public:
  // Up to here the kernel reads ahead for each body by what that one has read.
  static constexpr std::size_t kUnshared = 64;
  // Half of the 1,024 that a process may have open by default.
  static constexpr std::size_t kDefaultMost = 512;
  // From this part of the most on they are short.
  static constexpr std::size_t kAmplePart = 8;

  explicit OpenFiles(std::size_t most = kDefaultMost);

  // The handle to read it from, which may be that of others. Null: too many are open.
  std::shared_ptr<const FileHandle> keep(OpenedFile file);

  [[nodiscard]] std::size_t count() const;
  // From now on bodies of one file share a descriptor.
  [[nodiscard]] bool shares() const { return count() >= kUnshared; }
  [[nodiscard]] bool is_ample() const { return count() < kUnshared || count() < most_ / kAmplePart; }

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;  // outlives this while handles are about
  std::size_t most_;
};

}  // namespace hawser::http
