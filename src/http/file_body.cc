// file_body.cc: reading, and the life of the chunks read into.
#include "http/file_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace hawser::http {

struct ChunkPool::Shelf {
  std::mutex mutex;  // taken once a chunk, uncontended
  std::vector<std::unique_ptr<std::uint8_t[]>> spare;
  std::size_t octets_out = 0;

  // What memory for `size` octets takes.
  static std::size_t capacity_for(std::size_t size) { return size <= kFirstChunk ? size : kChunkSize; }

  void put(std::unique_ptr<std::uint8_t[]> memory, std::size_t size) {
    const std::lock_guard lock(mutex);
    octets_out -= capacity_for(size);
    if (size > kFirstChunk && spare.size() < kSpareMax) spare.push_back(std::move(memory));
  }

  void add(std::size_t octets) {
    const std::lock_guard lock(mutex);
    octets_out += octets;
  }
  void remove(std::size_t octets) {
    const std::lock_guard lock(mutex);
    octets_out -= octets;
  }
};

class ChunkPool::Chunk final : public ByteOwner {
 public:
  Chunk(std::shared_ptr<Shelf> shelf, std::unique_ptr<std::uint8_t[]> memory, std::size_t size)
      : shelf_(std::move(shelf)), memory_(std::move(memory)), size_(size) {}
  ~Chunk() override { shelf_->put(std::move(memory_), size_); }
  [[nodiscard]] const std::uint8_t* data() const { return memory_.get(); }

 private:
  std::shared_ptr<Shelf> shelf_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_;
};

class ChunkPool::Counted final : public ByteOwner {
 public:
  Counted(std::shared_ptr<Shelf> shelf, std::vector<std::uint8_t> octets)
      : shelf_(std::move(shelf)), octets_(std::move(octets)) {
    shelf_->add(octets_.capacity());
  }
  ~Counted() override { shelf_->remove(octets_.capacity()); }
  [[nodiscard]] Bytes view() const { return octets_; }

 private:
  std::shared_ptr<Shelf> shelf_;
  std::vector<std::uint8_t> octets_;
};

ChunkPool::ChunkPool(std::size_t octets_max) : shelf_(std::make_shared<Shelf>()), octets_max_(octets_max) {}

std::unique_ptr<std::uint8_t[]> ChunkPool::take(std::size_t size) {
  {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->octets_out += Shelf::capacity_for(size);
    if (size > kFirstChunk && !shelf_->spare.empty()) {
      auto memory = std::move(shelf_->spare.back());
      shelf_->spare.pop_back();
      return memory;
    }
  }
  return std::unique_ptr<std::uint8_t[]>(new std::uint8_t[Shelf::capacity_for(size)]);
}

SharedBytes ChunkPool::share(std::unique_ptr<std::uint8_t[]> memory, std::size_t size) {
  auto* chunk = new Chunk(shelf_, std::move(memory), size);
  return SharedBytes{Bytes{chunk->data(), size}, chunk};
}

SharedBytes ChunkPool::count(std::vector<std::uint8_t> octets) {
  auto* counted = new Counted(shelf_, std::move(octets));
  return SharedBytes{counted->view(), counted};
}

std::size_t ChunkPool::octets_out() const {
  const std::lock_guard lock(shelf_->mutex);
  return shelf_->octets_out;
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

// At most so much while memory is short.
constexpr std::size_t kSmallRead = 16 * 1'024;

}  // namespace

FileBody::FileBody(std::shared_ptr<const FileHandle> file, ChunkPool& pool, std::vector<FilePart> parts)
    : file_(std::move(file)), pool_(pool), parts_(std::move(parts)) {
  skip_empty();
}

void FileBody::skip_empty() {
  while (!at_end() && parts_[part_].text.empty() && parts_[part_].range.size == 0) ++part_;
}

std::optional<SharedBytes> FileBody::read(ByteRange range) {
  const std::size_t size = range.size;
  auto memory = pool_.take(size);
  const MutableBytes octets{memory.get(), size};
  SharedBytes shared = pool_.share(std::move(memory), size);
  if (!read_fully(file_->fd(), octets, range.first)) return std::nullopt;
  return shared;
}

std::optional<BodyChunk> FileBody::next(std::size_t wished) {
  if (at_end()) return BodyChunk{{}, true};
  FilePart& part = parts_[part_];
  SharedBytes bytes;
  if (!part.text.empty()) {
    bytes = SharedBytes::adopt({part.text.begin(), part.text.end()});
    part.text.clear();
  } else {
    const std::size_t most = std::clamp(wished, kLeastRead, pool_.is_ample() ? ChunkPool::kChunkSize : kSmallRead);
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
