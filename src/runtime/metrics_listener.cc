// metrics_listener.cc: accepts, reads a request head, answers, closes.
#include "runtime/metrics_listener.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "net/address.h"
#include "runtime/clock.h"

namespace hawser::runtime {
namespace {

std::unexpected<ConfigError> failed(const SocketAddress& local, std::string_view what) {
  return std::unexpected(
      ConfigError{fmt::format("metrics on {}: {}: {}", to_string(local), what, std::strerror(errno))});
}

std::string response(std::string_view status, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      status, body.size(), body);
}

// What its first line asks for: "GET /metrics HTTP/1.1", with or without a query.
std::string answer(std::string_view head, MetricsListener::Source& source) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const std::size_t space = line.find(' ');
  const std::string_view method = line.substr(0, space);
  std::string_view target = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  target = target.substr(0, target.find_first_of(" ?"));
  if (!line.ends_with(" HTTP/1.1") && !line.ends_with(" HTTP/1.0"))
    return response("400 Bad Request", "this speaks HTTP/1.1\n");
  if (method != "GET") return response("405 Method Not Allowed", "ask with GET\n");
  if (target != "/metrics") return response("404 Not Found", "there is /metrics\n");
  return response("200 OK", source.metrics_text());
}

}  // namespace

std::expected<std::unique_ptr<MetricsListener>, ConfigError> MetricsListener::start(const SocketAddress& local,
                                                                                    Source& source) {
  const sa_family_t family = local.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  net::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return failed(local, "socket");
  const int yes = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_storage address{};
  socklen_t length = net::to_sockaddr(local, family, address);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return failed(local, "bind");
  if (::listen(socket.get(), 8) != 0) return failed(local, "listen");
  length = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return failed(local, "port");
  std::unique_ptr<MetricsListener> listener{
      new MetricsListener(std::move(socket), net::from_sockaddr(address), source)};
  if (!listener->stop_.is_open()) return failed(local, "eventfd");
  listener->thread_ = std::thread([raw = listener.get()] { raw->run(); });
  return listener;
}

MetricsListener::MetricsListener(net::Descriptor socket, const SocketAddress& local, Source& source)
    : socket_(std::move(socket)), stop_(EFD_NONBLOCK), local_(local), source_(source) {}

MetricsListener::~MetricsListener() {
  stop_.wake();
  if (thread_.joinable()) thread_.join();
}

// False: it is to end, or the time is over.
bool MetricsListener::wait_for(int fd, short events, Timestamp deadline) const {
  pollfd waiting[] = {{.fd = fd, .events = events, .revents = 0}, {.fd = stop_.fd(), .events = POLLIN, .revents = 0}};
  while (true) {
    int timeout_ms = -1;
    if (deadline != kNever) timeout_ms = static_cast<int>((deadline - current_time()) / 1ms) + 1;
    if (deadline != kNever && timeout_ms <= 0) return false;
    const int count = ::poll(waiting, 2, timeout_ms);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || waiting[1].revents != 0) return false;
    return true;
  }
}

void MetricsListener::run() {
  while (wait_for(socket_.get(), POLLIN, kNever)) {
    const net::Descriptor connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.is_open()) serve(connection.get());
    // Without descriptors to spare the one that waits stays: look again in a while, and not all the time.
    if (!connection.is_open() && errno != EAGAIN && errno != ECONNABORTED)
      (void)wait_for(stop_.fd(), POLLIN, current_time() + 100ms);
  }
}

void MetricsListener::serve(int connection) {
  const Timestamp deadline = current_time() + kPatience;
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (head.size() >= kRequestMax || !wait_for(connection, POLLIN, deadline)) return;
    std::array<char, 2'048> octets;
    const ssize_t count = ::recv(connection, octets.data(), octets.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return;
    head.append(octets.data(), static_cast<std::size_t>(count));
  }
  const std::string text = answer(head, source_);
  for (std::size_t sent = 0; sent < text.size();) {
    if (!wait_for(connection, POLLOUT, deadline)) return;
    const ssize_t count = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return;
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
}

}  // namespace hawser::runtime
