// control.cc: the Unix socket of a lab. An answer begins with "ok" or "error: ...".
#include "control.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace hawser::lab {
namespace {

constexpr std::size_t kLineMax = 4096;  // longer than all words of a link together

std::string control_folder() {
  const char* folder = std::getenv("HAWSER_LAB_DIR");
  return folder != nullptr ? folder : "/run/hawser-lab";
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("the lab's name is too long: " + path);
  path.copy(address.sun_path, path.size());
  return address;
}

std::string read_all(int socket, bool until_newline) {
  std::string text;
  char chunk[1024];
  for (ssize_t size; (size = ::read(socket, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<std::size_t>(size));
    if (until_newline && (text.find('\n') != std::string::npos || text.size() > kLineMax)) break;
  }
  return text;
}

void write_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

std::string control_path(std::string_view lab) {
  return control_folder() + "/" + std::string(lab) + ".sock";
}

ControlServer::ControlServer(std::string_view lab, Answerer& answerer) : path_(control_path(lab)), answerer_(answerer) {
  ::mkdir(control_folder().c_str(), 0700);
  ::unlink(path_.c_str());
  const sockaddr_un address = address_of(path_);
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0 ||
      ::listen(listener_, 8) < 0)
    throw std::runtime_error("cannot open the control socket " + path_ + ": " + std::strerror(errno));
  thread_ = std::thread([this] { serve(); });
}

ControlServer::~ControlServer() {
  stopping_.store(true);
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

void ControlServer::serve() {
  while (!stopping_.load()) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    // A silent asker must not hold up the others.
    const timeval patience{5, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    serve_one(socket);
    ::close(socket);
  }
}

void ControlServer::serve_one(int socket) {
  std::string line = read_all(socket, true);
  line = line.substr(0, line.find('\n'));
  std::string text;
  try {
    text = "ok\n" + answerer_.answer(line);
  } catch (const std::exception& error) {
    text = std::string("error: ") + error.what() + "\n";
  }
  write_all(socket, text);
}

Reply ask(std::string_view lab, const std::string& line) {
  const sockaddr_un address = address_of(control_path(lab));
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) {
    ::close(socket);
    throw std::runtime_error("no lab named '" + std::string(lab) + "' runs here");
  }
  write_all(socket, line + "\n");
  const std::string text = read_all(socket, false);
  ::close(socket);
  if (text.starts_with("ok\n")) return {true, text.substr(3)};
  return {false, text};
}

}  // namespace hawser::lab
