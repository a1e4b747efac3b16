// testing_veth.h: two network namespaces joined by a veth pair, for tests of what only exists
// between interfaces. All of it is gone with the object, or with the process.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "base/time.h"
#include "net/address.h"
#include "net/descriptor.h"

namespace hawser::net {

// A network namespace that lives as long as its descriptor.
class NameSpace {
 public:
  NameSpace() {
    std::thread([this] {
      if (unshare(CLONE_NEWNET) == 0) fd_ = Descriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
  }

  [[nodiscard]] bool exists() const { return fd_.is_open(); }
  // How other programs name it.
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
  }
  // Does `work` within it, on the calling thread.
  template <class Work>
  auto in(Work&& work) const {
    const struct Return {
      Descriptor home{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
      ~Return() { (void)setns(home.get(), CLONE_NEWNET); }
    } back;
    if (setns(fd_.get(), CLONE_NEWNET) != 0) throw std::runtime_error("setns");
    return work();
  }
  // Runs `ip WORDS` within it.
  void ip(const std::string& words) const {
    const int status = in([&] { return std::system(("ip " + words).c_str()); });
    if (status != 0) throw std::runtime_error("ip " + words);
  }

 private:
  Descriptor fd_;
};

// va with 10.9.0.1 and fd00:9::1 in one, vb with 10.9.0.2 and fd00:9::2 in the other.
class Veth {
 public:
  // Why this process cannot have one; empty if it can.
  static std::string why_not() {
    if (!NameSpace().exists()) return "network namespaces want root";
    if (std::system("ip -V >/dev/null 2>&1") != 0) return "there is no ip(8)";
    return {};
  }

  explicit Veth(int queues = 1) {
    const std::string each = " numrxqueues " + std::to_string(queues) + " numtxqueues " + std::to_string(queues);
    a.ip("link add va" + each + " type veth peer name vb" + each);
    a.ip("link set vb netns " + b.path());
    set_up(a, "va", "1");
    set_up(b, "vb", "2");
    wait_until_up(a, "va");
    wait_until_up(b, "vb");
  }

  NameSpace a;
  NameSpace b;

 private:
  static void set_up(const NameSpace& place, const std::string& device, const std::string& host) {
    place.ip("link set lo up");
    place.ip("addr add 10.9.0." + host + "/24 dev " + device);
    place.ip("addr add fd00:9::" + host + "/64 dev " + device + " nodad");
    place.ip("link set " + device + " up");
  }
  // What is sent before the kernel has noticed the other end is lost.
  static void wait_until_up(const NameSpace& place, const std::string& device) {
    const std::string is_up = "ip link show " + device + " | grep -q 'state UP'";
    for (int i = 0; i < 500; ++i) {
      if (place.in([&] { return std::system(is_up.c_str()); }) == 0) return;
      std::this_thread::sleep_for(10ms);
    }
    throw std::runtime_error(device + " does not come up");
  }
};

}  // namespace hawser::net
