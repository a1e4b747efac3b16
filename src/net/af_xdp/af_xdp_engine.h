// af_xdp_engine.h: the engine that takes datagrams from the network card's driver and gives them
// to it, past the kernel's network stack, by AF_XDP sockets. Beside them stands a whole
// EpollEngine: it owns the ports, it receives what comes another way (loopback, other
// interfaces, long frames), and it sends whatever only the kernel knows the way for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/af_xdp/interfaces.h"
#include "net/af_xdp/route_table.h"
#include "net/af_xdp/train_collector.h"
#include "net/af_xdp/xdp_interface.h"
#include "net/af_xdp/xsk_socket.h"
#include "net/af_xdp_options.h"
#include "net/epoll_engine.h"

namespace hawser::net {

class AfXdpEngine final : public Engine {
 public:
  // Queues that one engine can serve: one guest of the epoll engine each, and one for netlink.
  static constexpr std::size_t kQueuesMax = kGuestsMax - 1;

  // Why this process cannot have AF_XDP sockets here; nothing if it can.
  static std::optional<ConfigError> why_not(const AfXdpOptions& options);
  // Interfaces are taken when a socket is opened on them.
  static std::expected<std::unique_ptr<AfXdpEngine>, ConfigError> create(const AfXdpOptions& options,
                                                                         const EpollOptions& epoll = {});
  ~AfXdpEngine() override;

  [[nodiscard]] EngineKind kind() const override { return EngineKind::kAfXdp; }
  [[nodiscard]] std::string describe() const override;
  std::expected<SocketId, ConfigError> open(const UdpOptions& options) override;
  void close(SocketId socket) override;
  [[nodiscard]] SocketAddress local_address(SocketId socket) const override;
  [[nodiscard]] UdpCapabilities capabilities(SocketId socket) const override;
  PollResult poll(Duration timeout) override;
  std::size_t receive(std::span<ReceivedTrain> out) override;
  std::size_t lend(std::span<TransmitTrain> out) override;
  std::size_t send(std::span<TransmitTrain> trains) override;
  void wake() override;
  [[nodiscard]] UdpCounters counters() const override;
  [[nodiscard]] std::uint64_t kernel_drops() const override;

  // Datagrams that went past the kernel's stack, both ways; the counters have all.
  struct Bypassed {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
  };
  [[nodiscard]] Bypassed bypassed() const;

 private:
  // An interface in use.
  struct Link {
    NetInterface interface;
    std::shared_ptr<XdpInterface> program;
    std::size_t first_queue = 0;  // of queues_: those of this interface stand together
    std::size_t queues = 0;       // 0: other engines have them all
  };
  struct Queue {
    std::unique_ptr<XskSocket> socket;
    std::size_t link = 0;
    bool unflushed = false;  // has frames that the kernel was not told of
  };
  // A destination that this engine has asked the program of a link for.
  struct Taken {
    std::size_t link = 0;
    SocketAddress address;
    bool operator==(const Taken&) const = default;
  };
  struct Socket {
    bool is_open = false;
    bool dont_fragment = true;
    bool dual_stack = false;
    SocketAddress local;
    std::vector<std::size_t> links;
    std::vector<Taken> taken;
  };
  // How the trains of one 4-tuple leave.
  struct Exit {
    FourTuple asked;  // as the train has it
    std::optional<FrameHeaders> headers;
    std::size_t queue = 0;
    std::size_t payload_max = 0;
    Ecn ecn = Ecn::kNotEct;
  };

  AfXdpEngine(const AfXdpOptions& options, std::unique_ptr<EpollEngine> kernel, std::unique_ptr<RouteTable> routes,
              NetlinkSocket asker);

  // Opening.
  std::expected<std::vector<std::size_t>, ConfigError> links_for(const UdpOptions& options);
  std::expected<std::size_t, ConfigError> take_link(const NetInterface& interface);
  std::expected<void, ConfigError> open_queues(Link& link, std::size_t link_index);
  void sync_destinations(Socket& socket);
  void on_changes();

  // Sleeping.
  PollResult poll_once(Duration timeout);
  [[nodiscard]] bool has_arrivals() const;
  bool flush_leftovers();
  [[nodiscard]] bool has_room_again();
  void look_around();

  // Receiving.
  std::size_t receive_frames(std::span<ReceivedTrain> out);
  std::size_t keep_served(std::span<ReceivedTrain> trains);
  bool collect(Queue& queue);

  // Sending.
  bool find_exit(const TransmitTrain& train, Exit& exit);
  bool goes_past_kernel(const TransmitTrain& train, Exit& exit);
  bool send_frames(TransmitTrain& train, Exit& exit);
  void flush_queues();

  AfXdpOptions options_;
  std::unique_ptr<EpollEngine> kernel_;
  std::unique_ptr<RouteTable> routes_;
  NetlinkSocket asker_;  // about interfaces
  std::vector<Link> links_;
  std::vector<Queue> queues_;
  std::array<Socket, kSocketsMax> sockets_;
  std::optional<TrainCollector> collector_;  // once there is a queue
  PollResult pending_;                       // what look_around() found for the next poll()
  bool blocked_ = false;                     // the last send() found no free frame
  std::size_t blocked_queue_ = 0;
  std::size_t next_queue_ = 0;  // rotates, as the order of kernel and queues does
  std::uint16_t identification_ = 0;
  UdpCounters counters_;  // of the AF_XDP sockets alone
};

}  // namespace hawser::net
