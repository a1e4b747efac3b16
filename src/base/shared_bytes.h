// shared_bytes.h: a view with a share in what keeps its memory alive, so that send buffers
// refer to the application's memory instead of copying it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace hawser {

// The memory behind one or more SharedBytes. Derive to say how it is freed: a vector, a
// mapped file, a static region. The count is atomic because a file may be shared by workers;
// it is touched once per buffer, never per packet.
class ByteOwner {
 public:
  virtual ~ByteOwner() = default;
  void retain() { count_.fetch_add(1, std::memory_order_relaxed); }
  // Somebody else has a share too; false is for good while nobody but the caller can give one.
  [[nodiscard]] bool is_shared() const { return count_.load(std::memory_order_acquire) != 1; }
  void release() {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  std::atomic<std::uint32_t> count_{1};
};

class SharedBytes {
 public:
  SharedBytes() = default;
  // Takes over one share of `owner` (nullptr: the memory is static and outlives everything).
  SharedBytes(Bytes view, ByteOwner* owner) : view_(view), owner_(owner) {}
  SharedBytes(const SharedBytes& o) : view_(o.view_), owner_(o.owner_) {
    if (owner_ != nullptr) owner_->retain();
  }
  SharedBytes(SharedBytes&& o) noexcept : view_(std::exchange(o.view_, {})), owner_(std::exchange(o.owner_, nullptr)) {}
  SharedBytes& operator=(SharedBytes o) noexcept {
    std::swap(view_, o.view_);
    std::swap(owner_, o.owner_);
    return *this;
  }
  ~SharedBytes() {
    if (owner_ != nullptr) owner_->release();
  }

  // A copy of `bytes` with an owner of its own.
  static SharedBytes copy(Bytes bytes);
  // Takes over a vector without copying its octets.
  static SharedBytes adopt(std::vector<std::uint8_t> bytes);

  [[nodiscard]] Bytes view() const { return view_; }
  [[nodiscard]] const std::uint8_t* data() const { return view_.data(); }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }

  // A part of this view that shares its owner. offset + count <= size().
  [[nodiscard]] SharedBytes part(std::size_t offset, std::size_t count) const {
    SharedBytes piece = *this;
    piece.view_ = view_.subspan(offset, count);
    return piece;
  }

 private:
  Bytes view_;
  ByteOwner* owner_ = nullptr;
};

}  // namespace hawser
