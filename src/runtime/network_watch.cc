// network_watch.cc: waits for the kernel to say that something changed, lets it settle, and posts.
#include "runtime/network_watch.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "runtime/clock.h"

namespace hawser::runtime {

std::shared_ptr<NetworkWatch> NetworkWatch::shared() {
  static std::mutex mutex;
  static std::weak_ptr<NetworkWatch> current;
  const std::lock_guard lock(mutex);
  if (auto watch = current.lock()) return watch;
  auto addresses = net::LocalAddresses::open();
  net::Descriptor stop(eventfd(0, EFD_CLOEXEC));
  if (!addresses || !stop.is_open()) return nullptr;
  std::shared_ptr<NetworkWatch> watch{new NetworkWatch(*std::move(addresses), std::move(stop))};
  current = watch;
  return watch;
}

NetworkWatch::NetworkWatch(net::LocalAddresses addresses, net::Descriptor stop)
    : stop_(std::move(stop)), addresses_(std::move(addresses)), thread_([this] { run(); }) {}

NetworkWatch::~NetworkWatch() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void NetworkWatch::add(Worker& worker, NetworkListener& listener) {
  const std::lock_guard lock(mutex_);
  subscribers_.push_back({&worker, &listener, std::make_shared<std::atomic<bool>>(true)});
  tell(subscribers_.back(), addresses_.networks());
}

void NetworkWatch::remove(const Worker& worker, const NetworkListener& listener) {
  const std::lock_guard lock(mutex_);
  std::erase_if(subscribers_, [&](const Subscriber& subscriber) {
    if (subscriber.worker != &worker || subscriber.listener != &listener) return false;
    subscriber.listens->store(false);
    return true;
  });
}

void NetworkWatch::tell(const Subscriber& subscriber, const net::LocalNetworks& networks) {
  // A worker that has ended drops it, and its listeners with it.
  subscriber.worker->post([listener = subscriber.listener, listens = subscriber.listens, networks](Worker&) {
    if (listens->load()) listener->on_networks(networks, current_time());
  });
}

void NetworkWatch::run() {
  pollfd waits[] = {{.fd = addresses_.fd(), .events = POLLIN, .revents = 0},
                    {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  while (true) {
    if (::poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return;
    if (::poll(waits + 1, 1, kSettleMs) > 0) return;
    const std::lock_guard lock(mutex_);
    if (!addresses_.refresh()) continue;
    for (const Subscriber& subscriber : subscribers_) tell(subscriber, addresses_.networks());
  }
}

}  // namespace hawser::runtime
