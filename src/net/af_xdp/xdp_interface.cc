// xdp_interface.cc: attaches by a BPF link, which the kernel undoes when its descriptor is closed,
// however the process ends.
#include "net/af_xdp/xdp_interface.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <tuple>

namespace hawser::net {
namespace {

// An interface's number means something in its network namespace only.
using Place = std::tuple<dev_t, ino_t, std::uint32_t>;

struct Registry {
  std::mutex mutex;
  std::map<Place, std::weak_ptr<XdpInterface>> interfaces;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

Place place_of(const NetInterface& interface) {
  struct stat name_space{};
  (void)stat("/proc/thread-self/ns/net", &name_space);
  return {name_space.st_dev, name_space.st_ino, interface.index};
}

std::string explain(const NetInterface& interface, const XdpInterface::Options& options, int error) {
  switch (error) {
    case EBUSY:
    case EEXIST:
      return fmt::format(
          "af_xdp: {} runs another XDP program, perhaps of another hawser; end that, or take --engine epoll",
          interface.name);
    case EPERM:
      return fmt::format("af_xdp: {}: not permitted; run as root, or give the program CAP_NET_ADMIN", interface.name);
    case EOPNOTSUPP:
    case EINVAL:
    case ERANGE:
      if (options.mode == XdpMode::kNative) {
        return fmt::format(
            "af_xdp: the driver of {} runs no XDP programs at this MTU and these queues ({}); give "
            "--xdp-mode generic",
            interface.name, std::strerror(error));
      }
      [[fallthrough]];
    default:
      return fmt::format("af_xdp: {} takes no XDP program: {}", interface.name, std::strerror(error));
  }
}

}  // namespace

std::expected<std::shared_ptr<XdpInterface>, ConfigError> XdpInterface::acquire(const NetInterface& interface,
                                                                                const Options& options) {
  Registry& known = registry();
  const std::scoped_lock lock(known.mutex);
  std::weak_ptr<XdpInterface>& entry = known.interfaces[place_of(interface)];
  if (auto attached = entry.lock()) return attached;
  std::shared_ptr<XdpInterface> made{new XdpInterface};
  HAWSER_TRY_VOID(made->attach(interface, options));
  entry = made;
  return made;
}

std::expected<void, ConfigError> XdpInterface::attach(const NetInterface& interface, const Options& options) {
  HAWSER_TRY(destinations_map_, create_bpf_map({.type = BPF_MAP_TYPE_HASH,
                                                .key_size = sizeof(XdpDestination),
                                                .value_size = sizeof(std::uint32_t),
                                                .entries = kXdpDestinationsMax,
                                                .name = "hawser_dest"}));
  HAWSER_TRY(sockets_map_, create_bpf_map({.type = BPF_MAP_TYPE_XSKMAP,
                                           .key_size = sizeof(std::uint32_t),
                                           .value_size = sizeof(std::uint32_t),
                                           .entries = kXdpQueuesMax,
                                           .name = "hawser_xsks"}));
  const auto program = xdp_program({.station = interface.station,
                                    .frame_max = options.frame_max,
                                    .destinations_map = destinations_map_.get(),
                                    .sockets_map = sockets_map_.get()});
  HAWSER_TRY(program_, load_bpf_program(BPF_PROG_TYPE_XDP, program, "hawser_xdp"));
  int error = EOPNOTSUPP;
  for (const bool native : {true, false}) {
    if (options.mode == (native ? XdpMode::kGeneric : XdpMode::kNative)) continue;
    auto link = attach_xdp_program(program_.get(), interface.index, native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
    if (link) {
      link_ = *std::move(link);
      native_ = native;
      return {};
    }
    error = link.error();
    if (error == EBUSY || error == EEXIST) break;  // in the other mode it would be taken just the same
  }
  return std::unexpected(ConfigError{explain(interface, options, error)});
}

bool XdpInterface::add_destination(const SocketAddress& address) {
  const XdpDestination destination = XdpDestination::of(address);
  const std::scoped_lock lock(mutex_);
  if (!set_bpf_entry(destinations_map_.get(), destination, std::uint32_t{1})) return false;
  destinations_.insert(destination);
  return true;
}

void XdpInterface::remove_destination(const SocketAddress& address) {
  const XdpDestination destination = XdpDestination::of(address);
  const std::scoped_lock lock(mutex_);
  const auto found = destinations_.find(destination);
  if (found == destinations_.end()) return;
  destinations_.erase(found);
  if (!destinations_.contains(destination)) (void)erase_bpf_entry(destinations_map_.get(), destination);
}

bool XdpInterface::set_socket(std::uint32_t queue, int xsk_fd) {
  const std::scoped_lock lock(mutex_);
  return set_bpf_entry(sockets_map_.get(), queue, static_cast<std::uint32_t>(xsk_fd));
}

}  // namespace hawser::net
