// open_files.cc: the count, and which file is shared.
#include "http/open_files.h"

#include <fcntl.h>

#include <unordered_map>
#include <utility>

namespace hawser::http {

struct OpenFiles::Shelf {
  struct Shared {
    FileState state;
    std::weak_ptr<const FileHandle> handle;
  };
  std::size_t count = 0;
  std::unordered_map<std::uint64_t, Shared> shared;  // by inode
};

OpenFiles::OpenFiles(std::size_t most) : shelf_(std::make_shared<Shelf>()), most_(most) {}

std::size_t OpenFiles::count() const {
  return shelf_->count;
}

std::shared_ptr<const FileHandle> OpenFiles::keep(OpenedFile file) {
  const bool sharing = shares();
  if (sharing) {
    // One of another state has changed since: its bodies end as it was, or in an error.
    const auto found = shelf_->shared.find(file.state.inode);
    if (found != shelf_->shared.end() && found->second.state == file.state)
      if (auto handle = found->second.handle.lock()) return handle;
  }
  if (shelf_->count >= most_) return nullptr;
  ++shelf_->count;
  posix_fadvise(file.handle.fd(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::shared_ptr<const FileHandle> handle(new FileHandle(std::move(file.handle)),
                                           [shelf = shelf_, inode = file.state.inode](const FileHandle* gone) {
                                             delete gone;
                                             --shelf->count;
                                             const auto place = shelf->shared.find(inode);
                                             if (place != shelf->shared.end() && place->second.handle.expired())
                                               shelf->shared.erase(place);
                                           });
  if (sharing) shelf_->shared[file.state.inode] = {.state = file.state, .handle = handle};
  return handle;
}

}  // namespace hawser::http
