// hawser_lab.cc: the command hawser-lab: real programs over bad networks, on one machine.
// docs/lab.md tells how; `hawser-lab --help` lists the words.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "control.h"
#include "lab.h"
#include "process.h"

namespace hawser::lab {
namespace {

struct Arguments {
  std::string name;
  std::vector<std::string> links;
  std::uint64_t seed = 1;
  std::string server;
  std::string client;
  std::uint32_t settle_ms = 300;
  bool report = false;
  std::string link;
  std::vector<std::string> words;
};

// Set by the handler of SIGINT and SIGTERM: the client to end, so that run comes to its end.
std::atomic<pid_t> g_client{0};
std::atomic<bool> g_interrupted{false};

void on_signal(int) {
  g_interrupted.store(true);
  const pid_t client = g_client.load();
  if (client > 0) ::kill(-client, SIGTERM);
}

std::vector<LinkOptions> parse_links(const std::vector<std::string>& texts) {
  std::vector<LinkOptions> links;
  for (const std::string& text : texts) apply_words(links.emplace_back(), text);
  if (links.empty()) links.emplace_back();
  return links;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// What a control line does to a lab.
class LabAnswerer final : public Answerer {
 public:
  explicit LabAnswerer(Lab& lab) : lab_(lab) {}

  std::string answer(std::string_view line) override {
    const std::string_view verb = next_word(line);
    if (verb == "show") return lab_.report();
    if (verb == "stop") {
      stopped_.release();
      return {};
    }
    if (verb != "set") throw std::invalid_argument("unknown request; there are: set, show, stop");
    const std::string_view link = next_word(line);
    lab_.change(link, line);
    return {};
  }

  void wait_for_stop() { stopped_.acquire(); }

 private:
  static std::string_view next_word(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
  }

  Lab& lab_;
  std::counting_semaphore<> stopped_{0};
};

void require_lab() {
  if (const std::string reason = why_unavailable(); !reason.empty()) throw std::runtime_error(reason);
}

int run_lab(const Arguments& arguments) {
  require_lab();
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  const std::string name = arguments.name.empty() ? "lab" + std::to_string(::getpid()) : arguments.name;
  Lab lab(name, parse_links(arguments.links), arguments.seed);
  LabAnswerer answerer(lab);
  ControlServer control(name, answerer);
  const Variables variables = environment_of(name, lab.link_count());

  std::optional<pid_t> server;
  if (!arguments.server.empty()) {
    server = start_in(namespace_of(name, Host::kServer), {"/bin/sh", "-c", arguments.server}, variables, true);
    std::this_thread::sleep_for(std::chrono::milliseconds(arguments.settle_ms));
  }
  int status = 128 + SIGINT;
  if (!g_interrupted.load()) {
    const pid_t client =
        start_in(namespace_of(name, Host::kClient), {"/bin/sh", "-c", arguments.client}, variables, true);
    g_client.store(client);
    if (g_interrupted.load()) ::kill(-client, SIGTERM);  // the signal came before there was whom to end
    status = wait_for(client);
    g_client.store(0);
  }
  if (server) end_group(*server);
  if (arguments.report) std::fputs(lab.report().c_str(), stderr);
  return status;
}

// The lab lives in a process of its own, in the background, until `down`.
void keep_lab(const Arguments& arguments, int ready) {
  Lab lab(arguments.name, parse_links(arguments.links), arguments.seed);
  LabAnswerer answerer(lab);
  ControlServer control(arguments.name, answerer);
  // From here on nobody reads what it says, and whoever waits for the end of a pipe must not wait for the lab's.
  ::dup2(1, 2);
  [[maybe_unused]] const auto written = ::write(ready, "ok", 2);
  ::close(ready);
  answerer.wait_for_stop();
}

int up(const Arguments& arguments) {
  require_lab();
  parse_links(arguments.links);  // says what is wrong before anything is built
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) < 0) throw std::runtime_error("cannot make a pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    ::close(ready[0]);
    ::setsid();
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    ::dup2(null, 1);
    std::signal(SIGHUP, SIG_IGN);
    try {
      keep_lab(arguments, ready[1]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "hawser-lab: %s\n", error.what());
      std::_Exit(1);
    }
    std::_Exit(0);
  }
  ::close(ready[1]);
  char text[2];
  const bool ok = ::read(ready[0], text, sizeof(text)) == 2;
  ::close(ready[0]);
  if (!ok) return 1;
  std::printf("%s is up: namespaces %s and %s\n", arguments.name.c_str(),
              namespace_of(arguments.name, Host::kClient).c_str(), namespace_of(arguments.name, Host::kServer).c_str());
  return 0;
}

int print_reply(const Reply& reply) {
  std::fputs(reply.text.c_str(), reply.ok ? stdout : stderr);
  return reply.ok ? 0 : 1;
}

int down(const Arguments& arguments) {
  std::optional<Reply> reply;
  try {
    reply = ask(arguments.name, "stop");
  } catch (const std::exception&) {
    if (!remove_leftovers(arguments.name)) throw;
    return 0;
  }
  const int status = print_reply(*reply);
  // The namespaces go last; when they are gone, so is everything.
  const std::string last = "/run/netns/" + namespace_of(arguments.name, Host::kServer);
  for (int i = 0; i < 100 && ::access(last.c_str(), F_OK) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return status;
}

int set(const Arguments& arguments) {
  return print_reply(ask(arguments.name, "set " + arguments.link + " " + joined(arguments.words)));
}

// hawser-lab exec NAME client|server PROGRAM ...: read by hand, since the program's own
// options must stay its own.
int exec(const std::vector<std::string>& words) {
  if (words.size() < 3 || (words[1] != "client" && words[1] != "server"))
    throw std::invalid_argument("usage: hawser-lab exec NAME client|server PROGRAM [ARGUMENTS]");
  const Host host = words[1] == "client" ? Host::kClient : Host::kServer;
  constexpr std::size_t kLinksShown = 1;  // the addresses of further links follow the pattern in docs/lab.md
  return wait_for(start_in(namespace_of(words[0], host), {words.begin() + 2, words.end()},
                           environment_of(words[0], kLinksShown), false));
}

int main_of(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "exec") return exec({argv + 2, argv + argc});
  CLI::App app{"hawser-lab: two hosts on one machine, joined by links as bad as you like"};
  app.require_subcommand(1);
  Arguments a;

  const auto add_links = [&a](CLI::App* command) {
    command
        ->add_option("--link", a.links,
                     "a link, e.g. 'rate=50mbit,delay=20ms,loss=1%'; give it again for a second link")
        ->allow_extra_args(false);
    command->add_option("--seed", a.seed, "decides which packets are lost");
  };
  const auto add_name = [&a](CLI::App* command) {
    command->add_option("--name", a.name, "which lab; inside one it is known from HAWSER_LAB");
  };

  CLI::App* run = app.add_subcommand("run", "build a lab, run two programs in it, remove it; exit code of the client");
  add_links(run);
  run->add_option("--name", a.name, "default: lab and the process id");
  run->add_option("--server", a.server, "shell command on the server's side");
  run->add_option("--client", a.client, "shell command on the client's side")->required();
  run->add_option("--settle", a.settle_ms, "milliseconds between the server's start and the client's");
  run->add_flag("--report", a.report, "print the links' counters at the end");

  CLI::App* up_command = app.add_subcommand("up", "build a lab that stays");
  up_command->add_option("name", a.name, "its name")->required();
  add_links(up_command);
  CLI::App* down_command = app.add_subcommand("down", "remove a lab that `up` built");
  down_command->add_option("name", a.name, "its name")->required();

  CLI::App* set_command = app.add_subcommand("set", "change a link: set LINK delay=80ms loss=2% | up | down | rebind");
  add_name(set_command);
  set_command->add_option("link", a.link, "its name, e.g. link0")->required();
  set_command->add_option("words", a.words, "what to change")->required();
  CLI::App* show = app.add_subcommand("show", "print the links' counters");
  add_name(show);
  app.add_subcommand("exec", "run a program in a lab: exec NAME client|server PROGRAM ...");

  CLI11_PARSE(app, argc, argv);
  if (*run) return run_lab(a);
  if (*up_command) return up(a);
  if (*down_command) return down(a);
  // The lab around this program; a lab of its own, as `run` builds, has a name of its own.
  const char* around = std::getenv("HAWSER_LAB");
  if (a.name.empty() && around != nullptr) a.name = around;
  if (*set_command) return set(a);
  return print_reply(ask(a.name, "show"));
}

}  // namespace
}  // namespace hawser::lab

int main(int argc, char** argv) try { return hawser::lab::main_of(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "hawser-lab: %s\n", error.what());
  return 1;
}
