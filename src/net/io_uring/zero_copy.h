// zero_copy.h: the memory that the io_uring engine sends from, and sending a train from there
// without a copy: the network card reads it, and the slot is lent again once it has.
#pragma once

#ifdef HAWSER_HAVE_URING

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/datagram.h"
#include "net/buffer_pool.h"
#include "net/io_uring/io_uring_engine.h"
#include "net/io_uring/uring.h"
#include "net/udp_messages.h"
#include "net/udp_socket.h"

namespace hawser::net {

// A set of slots is one word.
inline constexpr std::size_t kUringTransmitSlotsMax = 64;

class ZeroCopySender {
 public:
  ZeroCopySender(Uring& ring, std::size_t slots, UringZeroCopy policy);

  // Lends slots that nobody reads: n of them, set in the first n of `out`.
  std::size_t lend(std::span<TransmitTrain> out) const;

  // True if the train should go without a copy: it is large enough, and that is possible here.
  bool wants(const TransmitTrain& train);
  // Queues a lent train that wants to.
  void queue(const UdpSocket& socket, unsigned file, const TransmitTrain& train);
  // A completion of queue().
  void on_completion(const io_uring_cqe& completion, std::size_t slot);
  // What became of the train that was queued last: 0 or an errno; nothing until its completion
  // was taken.
  [[nodiscard]] std::optional<int> outcome() const { return outcome_; }

 private:
  using SlotSet = std::uint64_t;
  static constexpr SlotSet bit(std::size_t slot) { return SlotSet{1} << slot; }

  void judge(bool worked);
  void register_memory();

  struct Message {
    msghdr header{};
    UdpMessageParts parts;
  };

  Uring& ring_;
  BufferPool pool_;
  UringZeroCopy policy_;
  bool register_tried_ = false;
  bool registered_ = false;  // the kernel knows the pool's pages, and need not look them up
  Message message_;          // of the train that was queued last
  std::optional<int> outcome_;
  SlotSet read_ = 0;    // by the network card, still
  SlotSet failed_ = 0;  // of these: what was not sent
  int credit_ = 0;      // trains that may yet be copied after all
  std::uint32_t worked_ = 0;
  std::uint32_t skipped_ = 0;
};

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
