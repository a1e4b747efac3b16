// metrics_listener.h: answers collectors of metrics: GET /metrics over HTTP/1.1 and TCP, on a thread of its own that
// sleeps otherwise. One collector at a time, a few seconds each at most: it is no web server.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <thread>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"
#include "net/descriptor.h"
#include "net/waker.h"

namespace hawser::runtime {

class MetricsListener {
 public:
  // Octets of a request; collectors send some 300.
  static constexpr std::size_t kRequestMax = 8'192;
  // How long a collector may take to ask, and to take the answer.
  static constexpr Duration kPatience = 3s;

  // What is answered. Called on the listener's thread, not by two at once.
  class Source {
   public:
    virtual ~Source() = default;
    virtual std::string metrics_text() = 0;
  };

  // Listens on `local`, whose port may be 0. `source` outlives the listener.
  static std::expected<std::unique_ptr<MetricsListener>, ConfigError> start(const SocketAddress& local, Source& source);
  // Ends the thread; a collector that has not taken its whole answer does without.
  ~MetricsListener();
  MetricsListener(const MetricsListener&) = delete;
  MetricsListener& operator=(const MetricsListener&) = delete;

  [[nodiscard]] const SocketAddress& local_address() const { return local_; }

 private:
  MetricsListener(net::Descriptor socket, const SocketAddress& local, Source& source);
  void run();
  void serve(int connection);
  [[nodiscard]] bool wait_for(int fd, short events, Timestamp deadline) const;

  net::Descriptor socket_;
  net::Waker stop_;
  SocketAddress local_;
  Source& source_;
  std::thread thread_;
};

}  // namespace hawser::runtime
