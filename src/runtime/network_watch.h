// network_watch.h: a thread that hears of changes to this machine's addresses, links and routes, and
// tells workers. One for the process, there while somebody listens.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/descriptor.h"
#include "net/local_addresses.h"
#include "runtime/worker.h"

namespace hawser::runtime {

// Who is told. Calls come on the worker's thread.
class NetworkListener {
 public:
  virtual ~NetworkListener() = default;
  virtual void on_networks(const net::LocalNetworks& networks, Timestamp now) = 0;
};

class NetworkWatch {
 public:
  // The process's own, begun if there is none. Null where the kernel refuses netlink.
  static std::shared_ptr<NetworkWatch> shared();
  ~NetworkWatch();
  NetworkWatch(const NetworkWatch&) = delete;
  NetworkWatch& operator=(const NetworkWatch&) = delete;

  // Has `listener` hear of what there is, and of every change until remove() or the worker's end. It
  // belongs to the worker, and is destroyed on its thread after remove().
  void add(Worker& worker, NetworkListener& listener);
  // Before `worker` is gone. Any thread but the watch's own.
  void remove(const Worker& worker, const NetworkListener& listener);

 private:
  // Changes come in heaps: an address that moves to another link is several messages.
  static constexpr int kSettleMs = 20;

  struct Subscriber {
    Worker* worker = nullptr;
    NetworkListener* listener = nullptr;
    std::shared_ptr<std::atomic<bool>> listens;  // false once it was removed: a letter may still be under way
  };

  explicit NetworkWatch(net::LocalAddresses addresses, net::Descriptor stop);
  void run();
  static void tell(const Subscriber& subscriber, const net::LocalNetworks& networks);

  net::Descriptor stop_;
  std::mutex mutex_;  // of all below
  net::LocalAddresses addresses_;
  std::vector<Subscriber> subscribers_;
  std::thread thread_;
};

}  // namespace hawser::runtime
