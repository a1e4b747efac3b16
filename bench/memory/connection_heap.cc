// connection_heap.cc: what one HTTP/3 connection takes from the heap while nothing happens on it,
// on the server's side and the client's, by the function that takes it. Method: two endpoints
// joined in memory, the heap counted; every block remembers the stack that took it.
#include <execinfo.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <ranges>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "idle_connections.h"

namespace hawser::bench {
namespace {

// Frames kept of a stack: enough to leave the standard library's own.
constexpr int kFramesMax = 24;
constexpr int kFramesSkipped = 3;  // of the counting itself

// The tables below must not count themselves.
template <class T>
struct Uncounted {
  using value_type = T;
  Uncounted() = default;
  template <class U>
  Uncounted(const Uncounted<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(std::malloc(n * sizeof(T))); }
  void deallocate(T* p, std::size_t) { std::free(p); }
  template <class U>
  bool operator==(const Uncounted<U>&) const {
    return true;
  }
};

using Stack = std::array<void*, kFramesMax>;
struct Block {
  const heap::Account* account = nullptr;  // whose it is
  Stack stack{};
  std::size_t octets = 0;
};
using Blocks =
    std::unordered_map<void*, Block, std::hash<void*>, std::equal_to<>, Uncounted<std::pair<void* const, Block>>>;

// Blocks that are taken, by address.
Blocks blocks;

void note(const heap::Account& account, void* block, std::size_t octets, bool taken) {
  if (!taken) {
    blocks.erase(block);
    return;
  }
  Block noted{.account = &account, .stack = {}, .octets = octets};
  void* frames[kFramesMax + kFramesSkipped] = {};
  const int count = ::backtrace(frames, kFramesMax + kFramesSkipped);
  for (int i = kFramesSkipped; i < count; ++i) noted.stack[static_cast<std::size_t>(i - kFramesSkipped)] = frames[i];
  blocks.insert_or_assign(block, noted);
}

struct Frame {
  std::string function;
  std::string file;  // below src/
};

// Asks addr2line for all addresses at once; an address has several frames where code was inlined.
std::map<void*, std::vector<Frame>> symbols_of(const std::vector<void*>& addresses) {
  std::map<void*, std::vector<Frame>> found;
  std::uintptr_t base = 0;
  if (FILE* maps = std::fopen("/proc/self/maps", "r")) {
    unsigned long first = 0;
    if (std::fscanf(maps, "%lx", &first) == 1) base = first;
    std::fclose(maps);
  }
  for (std::size_t at = 0; at < addresses.size(); at += 200) {
    std::string command = fmt::format("addr2line -aCfi -e /proc/{}/exe", ::getpid());
    const std::size_t end = std::min(addresses.size(), at + 200);
    for (std::size_t i = at; i < end; ++i)
      command += fmt::format(" 0x{:x}", reinterpret_cast<std::uintptr_t>(addresses[i]) - base - 1);
    FILE* out = ::popen(command.c_str(), "r");
    if (out == nullptr) return found;
    char* line = nullptr;
    std::size_t capacity = 0;
    std::size_t current = at - 1;
    std::string function;
    while (::getline(&line, &capacity, out) > 0) {
      std::string text(line);
      while (!text.empty() && text.back() == '\n') text.pop_back();
      if (text.starts_with("0x")) {
        ++current;
        function.clear();
      } else if (function.empty()) {
        function = text;
      } else {
        const std::size_t source = text.find("/src/");
        found[addresses[current]].push_back(
            {function,
             source == std::string::npos ? "" : text.substr(source + 5, text.find(':', source) - source - 5)});
        function.clear();
      }
    }
    std::free(line);
    ::pclose(out);
  }
  return found;
}

// Who took a block: the innermost of our own functions, and the one that called it.
struct Taker {
  std::string room;
  std::string site;
};

std::string shortened(std::string function) {
  if (const std::size_t arguments = function.find('('); arguments != std::string::npos && arguments > 0)
    function.resize(arguments);
  for (const std::string_view prefix : {"hawser::quic::", "hawser::http3::", "hawser::"})
    while (function.find(prefix) != std::string::npos) function.erase(function.find(prefix), prefix.size());
  return function.substr(0, 60);
}

Taker taker_of(const Stack& stack, const std::map<void*, std::vector<Frame>>& symbols) {
  Taker taker{.room = "?", .site = ""};
  int shown = 0;
  for (void* address : stack) {
    const auto found = symbols.find(address);
    if (found == symbols.end()) continue;
    for (const Frame& frame : found->second) {
      if (frame.file.empty() || frame.function.starts_with("std::")) continue;
      if (shown == 0) taker.room = frame.file.substr(0, frame.file.rfind('/'));
      if (shown++ < 3) taker.site += (taker.site.empty() ? "" : " < ") + shortened(frame.function);
    }
  }
  return taker;
}

void print_sites(std::string_view side, const heap::Account& account, std::size_t connections, std::size_t sites_max) {
  std::vector<void*> addresses;
  for (const auto& [block, noted] : blocks)
    if (noted.account == &account) addresses.insert(addresses.end(), noted.stack.begin(), noted.stack.end());
  std::ranges::sort(addresses);
  addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
  std::erase(addresses, nullptr);
  const auto symbols = symbols_of(addresses);
  struct Sum {
    std::size_t octets = 0;
    std::size_t blocks = 0;
  };
  std::map<std::string, Sum> rooms;
  std::map<std::string, Sum> sites;
  for (const auto& [block, noted] : blocks) {
    if (noted.account != &account) continue;
    const Taker taker = taker_of(noted.stack, symbols);
    for (Sum* sum : {&rooms[taker.room], &sites[taker.site]}) {
      sum->octets += noted.octets;
      ++sum->blocks;
    }
  }
  const auto print = [&](const std::map<std::string, Sum>& sums, std::size_t most) {
    std::vector<std::pair<std::string, Sum>> sorted(sums.begin(), sums.end());
    std::ranges::sort(sorted, [](const auto& a, const auto& b) { return a.second.octets > b.second.octets; });
    for (const auto& [name, sum] : sorted | std::views::take(most)) {
      fmt::print("  {:8.0f} {:6.1f}  {}\n", static_cast<double>(sum.octets) / static_cast<double>(connections),
                 static_cast<double>(sum.blocks) / static_cast<double>(connections), name);
    }
  };
  fmt::print("{}: octets and blocks of a connection, by room\n", side);
  print(rooms, 32);
  fmt::print("{}: by function\n", side);
  print(sites, sites_max);
}

struct Options {
  std::size_t connections = 512;
  double rest_s = 5;
  bool requests = false;
  std::size_t sites = 0;
};

void measure(const Options& options) {
  quic::IdleConnections idle;
  // Tables and pools take their share before counting, so that it is spread over all.
  idle.open(64);
  if (options.requests) idle.request_on_each();
  const heap::Account server_before = idle.server_heap();
  const heap::Account client_before = idle.client_heap();
  if (options.sites > 0) heap::observe(&note);
  idle.open(options.connections);
  if (options.requests) idle.request_on_each();
  idle.pass(Duration{static_cast<std::int64_t>(options.rest_s * 1e9)});
  heap::observe(nullptr);
  const auto n = static_cast<double>(options.connections);
  const auto report = [&](std::string_view side, const heap::Account& then, const heap::Account& now) {
    fmt::print("{}: {:.0f} octets in {:.1f} blocks per connection\n", side,
               static_cast<double>(now.octets - then.octets) / n, static_cast<double>(now.blocks - then.blocks) / n);
    if (options.sites > 0) print_sites(side, now, options.connections, options.sites);
  };
  report("server", server_before, idle.server_heap());
  report("client", client_before, idle.client_heap());
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  hawser::bench::Options options;
  CLI::App app("What an idle HTTP/3 connection takes from the heap, on both sides");
  app.add_option("-n,--connections", options.connections, "Connections")->capture_default_str();
  app.add_option("--rest", options.rest_s, "Seconds that pass before counting")->capture_default_str();
  app.add_flag("--requests", options.requests, "One request on each connection first");
  app.add_option("--sites", options.sites, "Show that many functions that took memory")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  hawser::bench::measure(options);
  return 0;
}
