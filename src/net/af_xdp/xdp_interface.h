// xdp_interface.h: our program on one interface, with the maps that it reads. The engines of a
// process share it, for an interface runs one program: it is attached when the first engine
// asks, and gone with the last one or with the process.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/result.h"
#include "net/af_xdp/interfaces.h"
#include "net/af_xdp/xdp_program.h"
#include "net/af_xdp_options.h"
#include "net/descriptor.h"

namespace hawser::net {

// Everything may be called from any thread.
class XdpInterface {
 public:
  struct Options {
    std::size_t frame_max = 0;  // longer frames are left to the kernel
    XdpMode mode = XdpMode::kAuto;
  };

  // The program on that interface of the calling thread's network namespace, attached if it is
  // not. The error says what holds the interface.
  static std::expected<std::shared_ptr<XdpInterface>, ConfigError> acquire(const NetInterface& interface,
                                                                           const Options& options);
  XdpInterface(const XdpInterface&) = delete;
  XdpInterface& operator=(const XdpInterface&) = delete;

  // The driver runs the program, before the kernel makes its own buffer of a frame.
  [[nodiscard]] bool native() const { return native_; }

  // From now on datagrams to `address`, which is no wildcard, are taken; several may ask for the
  // same. False: no room is left in the map, and the kernel's sockets receive them.
  bool add_destination(const SocketAddress& address);
  // Undoes one add_destination().
  void remove_destination(const SocketAddress& address);

  // Frames of `queue` go to this AF_XDP socket until it is closed. False if the queue is beyond
  // kXdpQueuesMax.
  bool set_socket(std::uint32_t queue, int xsk_fd);

 private:
  XdpInterface() = default;
  std::expected<void, ConfigError> attach(const NetInterface& interface, const Options& options);

  bool native_ = false;
  Descriptor destinations_map_;
  Descriptor sockets_map_;
  Descriptor program_;
  Descriptor link_;
  std::mutex mutex_;
  std::multiset<XdpDestination> destinations_;
};

}  // namespace hawser::net
