// file_body.cc: reading, and the life of the chunks read into.
#include "http/file_body.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace hawser::http {

struct ChunkPool::Shelf {
  std::mutex mutex;  // taken once a chunk, uncontended
  std::vector<std::unique_ptr<std::uint8_t[]>> spare;

  void put(std::unique_ptr<std::uint8_t[]> memory) {
    const std::lock_guard lock(mutex);
    if (spare.size() < kSpareMax) spare.push_back(std::move(memory));
  }
};

class ChunkPool::Chunk final : public ByteOwner {
 public:
  Chunk(std::shared_ptr<Shelf> shelf, std::unique_ptr<std::uint8_t[]> memory)
      : shelf_(std::move(shelf)), memory_(std::move(memory)) {}
  ~Chunk() override { shelf_->put(std::move(memory_)); }
  [[nodiscard]] const std::uint8_t* data() const { return memory_.get(); }

 private:
  std::shared_ptr<Shelf> shelf_;
  std::unique_ptr<std::uint8_t[]> memory_;
};

ChunkPool::ChunkPool() : shelf_(std::make_shared<Shelf>()) {}

std::unique_ptr<std::uint8_t[]> ChunkPool::take() {
  {
    const std::lock_guard lock(shelf_->mutex);
    if (!shelf_->spare.empty()) {
      auto memory = std::move(shelf_->spare.back());
      shelf_->spare.pop_back();
      return memory;
    }
  }
  return std::unique_ptr<std::uint8_t[]>(new std::uint8_t[kChunkSize]);
}

SharedBytes ChunkPool::share(std::unique_ptr<std::uint8_t[]> memory, std::size_t size) {
  auto* chunk = new Chunk(shelf_, std::move(memory));
  return SharedBytes{Bytes{chunk->data(), size}, chunk};
}

bool read_fully(int fd, MutableBytes out, std::uint64_t offset) {
  while (!out.empty()) {
    const ssize_t count = pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

namespace {

// Below this a vector of the exact size is cheaper to hold than a chunk.
constexpr std::size_t kSmallRead = 16 * 1'024;

}  // namespace

FileBody::FileBody(FileHandle file, ChunkPool& pool, std::vector<FilePart> parts)
    : file_(std::move(file)), pool_(pool), parts_(std::move(parts)) {
  posix_fadvise(file_.fd(), 0, 0, POSIX_FADV_SEQUENTIAL);
  skip_empty();
}

void FileBody::skip_empty() {
  while (!at_end() && parts_[part_].text.empty() && parts_[part_].range.size == 0) ++part_;
}

std::optional<SharedBytes> FileBody::read(ByteRange range) {
  if (range.size <= kSmallRead) {
    std::vector<std::uint8_t> octets(range.size);
    if (!read_fully(file_.fd(), octets, range.first)) return std::nullopt;
    return SharedBytes::adopt(std::move(octets));
  }
  auto memory = pool_.take();
  if (!read_fully(file_.fd(), {memory.get(), range.size}, range.first)) return std::nullopt;
  return pool_.share(std::move(memory), range.size);
}

std::optional<BodyChunk> FileBody::next(std::size_t wished) {
  if (at_end()) return BodyChunk{{}, true};
  FilePart& part = parts_[part_];
  SharedBytes bytes;
  if (!part.text.empty()) {
    bytes = SharedBytes::adopt({part.text.begin(), part.text.end()});
    part.text.clear();
  } else {
    // A wish below a small read would only make many of them.
    const std::size_t most = std::clamp(wished, kSmallRead, ChunkPool::kChunkSize);
    const std::uint64_t size = std::min<std::uint64_t>(part.range.size, most);
    auto piece = read({part.range.first, size});
    if (!piece) return std::nullopt;
    bytes = *std::move(piece);
    part.range.first += size;
    part.range.size -= size;
  }
  skip_empty();
  return BodyChunk{std::move(bytes), at_end()};
}

}  // namespace hawser::http
