// control.h: how other programs talk to a running lab: one line in, an answer out, over a
// Unix socket. Lines: "set LINK WORDS", "show", "stop".
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

namespace hawser::lab {

// Where the socket of a lab stands: $HAWSER_LAB_DIR or /run/hawser-lab, then NAME.sock.
std::string control_path(std::string_view lab);

// Whoever answers for a lab. Called on the control server's own thread; an exception's text
// goes to the asker.
class Answerer {
 public:
  virtual ~Answerer() = default;
  virtual std::string answer(std::string_view line) = 0;
};

class ControlServer {
 public:
  // `answerer` outlives the server.
  ControlServer(std::string_view lab, Answerer& answerer);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;

 private:
  void serve();
  void serve_one(int socket);

  std::string path_;
  Answerer& answerer_;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

struct Reply {
  bool ok = false;
  std::string text;
};

// Asks the lab; throws std::runtime_error when none of this name runs.
Reply ask(std::string_view lab, const std::string& line);

}  // namespace hawser::lab
