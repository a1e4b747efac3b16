// xsk_socket.h: an AF_XDP socket: one queue of one interface, the memory that it shares with the
// kernel, and the way of a frame through both.
#pragma once

#include <linux/if_xdp.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/af_xdp/xsk_rings.h"
#include "net/af_xdp_options.h"
#include "net/descriptor.h"

namespace hawser::net {

// What the kernel keeps free before each received frame (XDP_PACKET_HEADROOM).
inline constexpr std::size_t kXskHeadroom = 256;
// Memory of a frame: a page at most, because an XDP program sees no more of it at once, and
// half a page where that is enough, because twice as many stay in the cache.
inline constexpr std::size_t kXskFrameSmall = 2'048;
inline constexpr std::size_t kXskFrameLarge = 4'096;

struct XskOptions {
  std::uint32_t interface_index = 0;
  std::string interface_name;
  std::uint32_t queue = 0;
  std::uint32_t frames = 0;  // to receive into, and as many to send from; a power of two
  std::size_t frame_size = kXskFrameSmall;
  XdpZeroCopy zero_copy = XdpZeroCopy::kAuto;
};

class XskSocket {
 public:
  // Binds to the queue, without a copy if the driver can and the options allow. The error says
  // which queue, and what to change.
  static std::expected<std::unique_ptr<XskSocket>, ConfigError> open(const XskOptions& options);
  ~XskSocket();
  XskSocket(const XskSocket&) = delete;
  XskSocket& operator=(const XskSocket&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const XskOptions& options() const { return options_; }
  // Frames stay where the network card wrote them.
  [[nodiscard]] bool zero_copy() const { return zero_copy_; }

  // Receiving. A frame is the kernel's until it arrives, ours until it is returned. ------------

  [[nodiscard]] std::size_t arrived() const { return receive_.available(); }
  // The frame `ahead` of the next; ahead < arrived(). Good until it is returned.
  [[nodiscard]] MutableBytes frame(std::size_t ahead) const;
  // Takes the next `count` frames off the ring.
  void take(std::size_t count);
  // Gives every frame that was taken back to the kernel.
  void return_taken();

  // Sending. ------------------------------------------------------------------------------------

  // Memory for the next frame, of options().frame_size; nullptr when none is free.
  [[nodiscard]] std::uint8_t* next_frame();
  // Queues what was written to next_frame().
  void push(std::size_t size);
  // Has the kernel send what was queued, and takes back what it has sent. `calls` is raised by
  // the system calls that this took.
  void flush(std::uint64_t& calls);
  // Takes back frames that were sent.
  void reclaim();
  // How many frames may be written at once.
  [[nodiscard]] std::size_t room() const { return free_.size(); }
  // Some of what was queued stays where it is until the next flush().
  [[nodiscard]] bool wants_flush() const { return transmit_.waiting() != 0 && transmit_.wants_wakeup(); }

  // Frames that the kernel could not hand over.
  [[nodiscard]] std::uint64_t drops() const;

 private:
  explicit XskSocket(const XskOptions& options);
  int set_up(std::uint16_t bind_flags);  // an errno, or 0
  int map_memory();
  int make_rings();
  int map_rings();
  void fill_rings();

  XskOptions options_;
  std::uint8_t* memory_ = nullptr;  // receive frames, then transmit frames
  std::size_t memory_size_ = 0;
  Descriptor fd_;  // after memory_: closed first
  bool zero_copy_ = false;
  ProducerRing<std::uint64_t> fill_;
  ConsumerRing<xdp_desc> receive_;
  ProducerRing<xdp_desc> transmit_;
  ConsumerRing<std::uint64_t> completion_;
  std::vector<std::uint64_t> taken_;  // addresses of frames that were taken and not returned
  std::vector<std::uint64_t> free_;   // addresses of transmit frames that are not under way
};

}  // namespace hawser::net
