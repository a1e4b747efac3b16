// zero_copy.cc: operations that send from memory of ours, and the book of what they read.
#include "net/io_uring/zero_copy.h"

#ifdef HAWSER_HAVE_URING

#include <algorithm>
#include <bit>
#include <cerrno>

#include "base/check.h"
#include "net/io_uring/uring_socket.h"

namespace hawser::net {
namespace {

// Of newer kernel headers than Debian 12 has.
constexpr std::uint16_t kReportUsage = 1u << 3;   // IORING_SEND_ZC_REPORT_USAGE
constexpr std::int32_t kUsageCopied = INT32_MIN;  // IORING_NOTIF_USAGE_ZC_COPIED

// Handing pages over and hearing of them again costs what copying about 30 KB does
// (docs/performance.md, Engines): smaller trains are copied.
constexpr std::size_t kOctetsMin = 32u << 10;
// Once so many trains went without a copy, all of the memory is made known to the kernel, which
// saves looking up its pages for each train, but makes all of it resident.
constexpr std::uint32_t kWorkedBeforeRegistering = 64;
// Loopback, tunnels and cards without scatter-gather copy after all, which costs more than
// copying at once. After so many such trains we stop asking,
constexpr int kCreditMax = 16;
// and ask anew after so many more, since routes change: one train in 500 is tried for nothing.
constexpr std::uint32_t kSkippedMax = 8'000;

}  // namespace

ZeroCopySender::ZeroCopySender(Uring& ring, std::size_t slots, UringZeroCopy policy)
    : ring_(ring), pool_(slots), policy_(policy), credit_(kCreditMax) {
  lay_out(message_.header, message_.parts);
}

std::size_t ZeroCopySender::lend(std::span<TransmitTrain> out) const {
  // The lowest first: what was used last is in the cache.
  SlotSet free = ~read_;
  if (pool_.size() < kUringTransmitSlotsMax) free &= bit(pool_.size()) - 1;
  std::size_t lent = 0;
  for (; free != 0 && lent < out.size(); free &= free - 1) {
    TransmitTrain& train = out[lent++];
    train.buffer = pool_.slot(static_cast<std::size_t>(std::countr_zero(free))).first(kGsoPayloadMax);
    train.size = 0;
    train.max_segments = kGsoSegmentsMax;
  }
  return lent;
}

bool ZeroCopySender::wants(const TransmitTrain& train) {
  if (policy_ == UringZeroCopy::kCopy || train.size < kOctetsMin) return false;
  if (policy_ == UringZeroCopy::kZeroCopy || credit_ > 0) return true;
  if (++skipped_ < kSkippedMax) return false;
  skipped_ = 0;
  credit_ = kCreditMax;
  return true;
}

void ZeroCopySender::queue(const UdpSocket& socket, unsigned file, const TransmitTrain& train) {
  const std::size_t slot = pool_.index_of(train.buffer.data());
  HAWSER_DCHECK(slot < pool_.size() && (read_ & bit(slot)) == 0);
  socket.write_message(message_.header, message_.parts, train, train.size);
  io_uring_sqe& operation = ring_.next_operation();
  io_uring_prep_sendmsg_zc(&operation, static_cast<int>(file), &message_.header, MSG_DONTWAIT | MSG_NOSIGNAL);
  operation.flags |= IOSQE_FIXED_FILE;
  operation.ioprio = static_cast<std::uint16_t>(kReportUsage | (registered_ ? IORING_RECVSEND_FIXED_BUF : 0u));
  operation.user_data = UringTag{.event = UringEvent::kSent, .index = static_cast<std::uint8_t>(slot)}.encode();
  outcome_.reset();
}

void ZeroCopySender::on_completion(const io_uring_cqe& completion, std::size_t slot) {
  if ((completion.flags & IORING_CQE_F_NOTIF) != 0) {
    if ((failed_ & bit(slot)) == 0) judge(completion.res != kUsageCopied);
    read_ &= ~bit(slot);
    failed_ &= ~bit(slot);
    return;
  }
  if ((completion.flags & IORING_CQE_F_MORE) != 0) read_ |= bit(slot);
  outcome_ = std::max(-completion.res, 0);
  if (completion.res >= 0) return;
  failed_ |= read_ & bit(slot);
  if (completion.res == -EAGAIN) return;
  // Before Linux 6.15 messages cannot be sent from registered memory.
  if (completion.res == -EINVAL && registered_) {
    registered_ = false;
  } else {
    judge(false);
  }
}

void ZeroCopySender::judge(bool worked) {
  credit_ = std::min(credit_ + (worked ? 1 : -1), kCreditMax);
  if (worked && !register_tried_ && ++worked_ == kWorkedBeforeRegistering) register_memory();
}

void ZeroCopySender::register_memory() {
  register_tried_ = true;
  // Counts as locked memory, and may be more than the limit: then all goes on as before.
  const iovec memory{.iov_base = pool_.slot(0).data(), .iov_len = pool_.size() * BufferPool::kSlotSize};
  registered_ = io_uring_register_buffers(&ring_.raw(), &memory, 1) == 0;
}

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
