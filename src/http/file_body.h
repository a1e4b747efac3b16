// file_body.h: parts of a file, with texts between them, as a response's body.
//
// Files are read with pread() into chunks of 256 kB as the transport asks for more, not
// mapped. A mapping would save one copy, but whoever shortens a mapped file (an editor, `cp`
// over it) would kill the server with SIGBUS, or, with a handler for it, make it send
// zeros under a length that promised content. With pread the file's end comes early, and the
// stream is reset so that the client knows. The copy goes from the page cache into a chunk
// that is sealed next and still in the L2 cache by then: about 0.1 ns an octet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/byte_ranges.h"
#include "http/file_tree.h"
#include "http/message.h"

namespace hawser::http {

// Reads all of `out` at `offset`; false if the file ends before or the disk fails.
bool read_fully(int fd, MutableBytes out, std::uint64_t offset);

// Chunks to read into, kept for the next file. One thread draws; chunks come back from
// whichever thread lets go of the last view of them, which is the same one in a server.
class ChunkPool {
 public:
  static constexpr std::size_t kChunkSize = std::size_t{256} << 10;
  // Up to here memory of the exact size is taken and given back: the first read of a body, of which
  // nobody knows yet whether the client reads it.
  static constexpr std::size_t kFirstChunk = std::size_t{64} << 10;
  // Unused chunks kept: 16 MB a worker, four send buffers of 4 MB, which is what short paths have. Further ones are
  // freed.
  static constexpr std::size_t kSpareMax = 64;
  // Octets that responses of a worker may hold at a time: past all of it further requests get 503, past a
  // part little is read ahead, so that clients which do not read hold little each. 1 GB are 256
  // busy streams with a full buffer of 4 MB each, 32 with the 32 MB that a long path may take, or 20,000 that are not
  // read.
  static constexpr std::size_t kOctetsMax = std::size_t{1} << 30;
  static constexpr std::size_t kAmplePart = 8;

  explicit ChunkPool(std::size_t octets_max = kOctetsMax);
  // Memory for `size` octets, kChunkSize at most, not cleared.
  std::unique_ptr<std::uint8_t[]> take(std::size_t size);
  // What take(size) gave, as shared bytes that return it to the pool.
  SharedBytes share(std::unique_ptr<std::uint8_t[]> memory, std::size_t size);
  // Counts octets that were not read into memory of the pool, while anybody has them.
  SharedBytes count(std::vector<std::uint8_t> octets);
  [[nodiscard]] std::size_t ample_octets() const { return octets_max_ / kAmplePart; }
  [[nodiscard]] bool is_ample() const { return octets_out() < ample_octets(); }
  [[nodiscard]] bool is_full() const { return octets_out() >= octets_max_; }
  [[nodiscard]] std::size_t octets_out() const;

 private:
  struct Shelf;
  class Chunk;
  class Counted;
  std::shared_ptr<Shelf> shelf_;  // outlives the pool while chunks are under way
  std::size_t octets_max_;
};

// A wish below this would only make many reads.
inline constexpr std::size_t kLeastRead = 4 * 1'024;

// How much of a body to ask for when a stream has room for so much: all of it and more, since the write
// that it has no room for is what makes it report room later.
constexpr std::size_t wish_for(std::size_t room) {
  if (room <= kLeastRead) return kLeastRead;
  return room <= ChunkPool::kFirstChunk ? ChunkPool::kFirstChunk : ChunkPool::kChunkSize;
}

// A text, then a range of the file; either may be empty.
struct FilePart {
  std::string text;
  ByteRange range;
};

class FileBody final : public BodySource {
 public:
  // `pool` must outlive the body. Parts are sent in order.
  FileBody(std::shared_ptr<const FileHandle> file, ChunkPool& pool, std::vector<FilePart> parts);
  std::optional<BodyChunk> next(std::size_t wished) override;

 private:
  std::optional<SharedBytes> read(ByteRange range);
  [[nodiscard]] bool at_end() const { return part_ == parts_.size(); }
  void skip_empty();

  std::shared_ptr<const FileHandle> file_;
  ChunkPool& pool_;
  std::vector<FilePart> parts_;
  std::size_t part_ = 0;
};

}  // namespace hawser::http
