// lab.cc: builds and removes the two namespaces and the links between them. Namespaces and
// addresses are made with iproute2, TUN devices directly.
#include "lab.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace hawser::lab {
namespace {

// Packets a device holds while its lane is busy; 2,000 are 24 ms at 1 Gbit/s.
constexpr const char* kDeviceQueue = "2000";

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// Runs a program without a shell; its errors go to standard error.
int run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return 127;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void must_run(const std::vector<std::string>& words) {
  if (run(words) == 0) return;
  std::string line;
  for (const std::string& word : words) line += word + " ";
  throw std::runtime_error("this command failed: " + line);
}

// Runs `work` with the calling thread inside a namespace, and comes back.
void within(const std::string& name, const std::function<void()>& work) {
  const int home = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) fail("cannot open this thread's namespace");
  enter_namespace(name);
  try {
    work();
  } catch (...) {
    ::setns(home, CLONE_NEWNET);
    ::close(home);
    throw;
  }
  ::setns(home, CLONE_NEWNET);
  ::close(home);
}

// The device stays in the namespace where it is made; its descriptor works from everywhere.
int open_tun(const std::string& device) {
  const int tun = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun < 0) fail("cannot open /dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(tun, TUNSETIFF, &request) < 0) {
    ::close(tun);
    fail("cannot create the device " + device);
  }
  return tun;
}

// Packets come in on one link for the address of another; the reverse-path filter would drop them.
void relax_reverse_path_filter() {
  for (const char* scope : {"all", "default"})
    std::ofstream(std::string("/proc/sys/net/ipv4/conf/") + scope + "/rp_filter") << "0";
}

}  // namespace

std::string address_of(Host host, std::size_t link) {
  return "10.77." + std::to_string(link) + (host == Host::kClient ? ".1" : ".2");
}

std::string address6_of(Host host, std::size_t link) {
  const std::string prefix = link == 0 ? "fd77" : "fd77:" + std::to_string(link);
  return prefix + (host == Host::kClient ? "::1" : "::2");
}

std::string namespace_of(std::string_view lab, Host host) {
  return std::string(lab) + (host == Host::kClient ? "-client" : "-server");
}

std::string why_unavailable() {
  if (::geteuid() != 0) return "a lab needs root: it makes network namespaces";
  const int tun = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tun < 0) return std::string("a lab needs /dev/net/tun: ") + std::strerror(errno);
  ::close(tun);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWNET) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) return "a lab needs the right to make network namespaces (CAP_SYS_ADMIN)";
  return {};
}

void enter_namespace(const std::string& name) {
  const int file = ::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("there is no namespace " + name);
  const int status = ::setns(file, CLONE_NEWNET);
  ::close(file);
  if (status < 0) fail("cannot enter the namespace " + name);
}

std::vector<std::pair<std::string, std::string>> environment_of(std::string_view lab, std::size_t links) {
  std::vector<std::pair<std::string, std::string>> variables = {{"HAWSER_LAB", std::string(lab)}};
  for (const Host host : {Host::kClient, Host::kServer}) {
    const std::string prefix = host == Host::kClient ? "HAWSER_LAB_CLIENT" : "HAWSER_LAB_SERVER";
    variables.emplace_back(prefix, address_of(host, 0));
    variables.emplace_back(prefix + "6", address6_of(host, 0));
    for (std::size_t i = 0; i < links; ++i) {
      variables.emplace_back(prefix + "_" + std::to_string(i), address_of(host, i));
      variables.emplace_back(prefix + "6_" + std::to_string(i), address6_of(host, i));
    }
  }
  return variables;
}

Lab::Lab(std::string name, std::vector<LinkOptions> links, std::uint64_t seed) : name_(std::move(name)) {
  constexpr std::size_t kLinksMax = 100;  // the third octet of their addresses, and routing tables 100 + i
  if (links.empty() || links.size() > kLinksMax) throw std::runtime_error("a lab has 1 to 100 links");
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto link = std::make_unique<Link>();
    link->options = std::move(links[i]);
    if (link->options.name.empty()) link->options.name = "link" + std::to_string(i);
    links_.push_back(std::move(link));
  }
  try {
    build(seed);
  } catch (...) {
    tear_down();
    throw;
  }
}

Lab::~Lab() {
  tear_down();
}

void Lab::build(std::uint64_t seed) {
  for (const Host host : {Host::kClient, Host::kServer}) {
    const std::string space = namespace_of(name_, host);
    must_run({"ip", "netns", "add", space});
    namespaces_.push_back(space);
    must_run({"ip", "-n", space, "link", "set", "lo", "up"});
    within(space, relax_reverse_path_filter);
  }
  for (std::size_t i = 0; i < links_.size(); ++i) add_link(i, seed + 2 * i);
  for (const auto& link : links_) {
    link->to_server->start();
    link->to_client->start();
  }
}

void Lab::add_link(std::size_t index, std::uint64_t seed) {
  Link& link = *links_[index];
  within(namespace_of(name_, Host::kClient), [&] { link.client_device = open_tun(link.options.name); });
  within(namespace_of(name_, Host::kServer), [&] { link.server_device = open_tun(link.options.name); });
  set_up_device(Host::kClient, index);
  set_up_device(Host::kServer, index);
  link.nat.set_mode(link.options.nat);
  link.to_server = std::make_unique<Lane>(Direction::kToServer, link.client_device, link.server_device, link.options,
                                          link.nat, seed);
  link.to_client = std::make_unique<Lane>(Direction::kToClient, link.server_device, link.client_device, link.options,
                                          link.nat, seed + 1);
}

// Packets from an address leave by its own link, whatever their destination: a client reaches
// one server address over every link, as a machine with two providers does.
void Lab::set_up_device(Host host, std::size_t index) const {
  const LinkOptions& options = links_[index]->options;
  const std::string space = namespace_of(name_, host);
  const std::string& device = options.name;
  const std::string mtu = std::to_string(std::max(options.to_server.mtu, options.to_client.mtu));
  const std::string table = std::to_string(100 + index);
  must_run({"ip", "-n", space, "link", "set", device, "addrgenmode", "none"});
  must_run({"ip", "-n", space, "link", "set", device, "mtu", mtu, "txqueuelen", kDeviceQueue, "up"});
  for (const bool v6 : {false, true}) {
    if (v6 && std::stoul(mtu) < 1280) continue;  // RFC 8200 section 5: no IPv6 below 1,280
    const std::string address = v6 ? address6_of(host, index) : address_of(host, index);
    const std::string family = v6 ? "-6" : "-4";
    if (v6)
      must_run({"ip", "-n", space, "-6", "addr", "add", address + "/64", "dev", device, "nodad"});
    else
      must_run({"ip", "-n", space, "-4", "addr", "add", address + "/24", "dev", device});
    must_run({"ip", "-n", space, family, "route", "add", "default", "dev", device, "table", table});
    must_run({"ip", "-n", space, family, "rule", "add", "from", address, "table", table});
    if (index == 0) must_run({"ip", "-n", space, family, "route", "add", "default", "dev", device});
  }
}

void Lab::tear_down() {
  for (const auto& link : links_) {
    link->to_server.reset();
    link->to_client.reset();
    for (const int device : {link->client_device, link->server_device})
      if (device >= 0) ::close(device);
  }
  links_.clear();
  for (const std::string& space : namespaces_)
    if (::access(("/run/netns/" + space).c_str(), F_OK) == 0) run({"ip", "netns", "del", space});
  namespaces_.clear();
}

void Lab::change(std::string_view name, std::string_view words) {
  const std::lock_guard lock(mutex_);
  for (const auto& link : links_) {
    if (link->options.name != name) continue;
    if (words == "rebind") return link->nat.rebind();
    apply_words(link->options, words);
    link->options.name = name;
    link->nat.set_mode(link->options.nat);
    link->to_server->configure(link->options);
    link->to_client->configure(link->options);
    return;
  }
  std::string known;
  for (const auto& link : links_) known += " " + link->options.name;
  throw std::invalid_argument("there is no link '" + std::string(name) + "'; there are:" + known);
}

std::string Lab::report() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& link : links_) {
    for (const bool to_server : {true, false}) {
      const LaneCounters& c = (to_server ? link->to_server : link->to_client)->counters();
      text += link->options.name + (to_server ? " to-server" : " to-client");
      const auto add = [&](const char* what, const Counter& counter) {
        text += std::string(" ") + what + "=" + std::to_string(counter.value());
      };
      add("received", c.received);
      add("delivered", c.delivered);
      add("delivered-bytes", c.delivered_bytes);
      add("lost", c.lost);
      add("queue-drops", c.queue_drops);
      add("too-big", c.too_big);
      add("while-down", c.while_down);
      add("nat-drops", c.nat_drops);
      add("device-drops", c.device_drops);
      add("marked", c.marked);
      add("duplicated", c.duplicated);
      add("reordered", c.reordered);
      add("corrupted", c.corrupted);
      text += "\n";
    }
  }
  return text;
}

bool remove_leftovers(const std::string& name) {
  bool found = false;
  for (const Host host : {Host::kClient, Host::kServer}) {
    const std::string space = namespace_of(name, host);
    if (::access(("/run/netns/" + space).c_str(), F_OK) != 0) continue;
    found = true;
    must_run({"ip", "netns", "del", space});
  }
  return found;
}

}  // namespace hawser::lab
