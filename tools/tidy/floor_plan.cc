// floor_plan.cc: which room may include what. Arrows point down only; the core knows no
// operating system; a few heavy standard headers stay out of headers.
#include <algorithm>
#include <set>
#include <stdexcept>

#include <toml++/toml.h>

#include "rules.h"

namespace hawser::tidy {
namespace {

// Below this prefix stand the rooms.
constexpr std::string_view kSourceFolder = "src/";

// A clock, a socket, a thread or a lock in the core would end its replay from a seed.
constexpr std::string_view kBannedInCore[] = {"condition_variable",
                                              "fstream",
                                              "functional",
                                              "future",
                                              "iostream",
                                              "mutex",
                                              "random",
                                              "ranges",
                                              "regex",
                                              "semaphore",
                                              "shared_mutex",
                                              "stop_token",
                                              "thread",
                                              "filesystem",
                                              "sys/",
                                              "netinet/",
                                              "arpa/",
                                              "net/",
                                              "linux/",
                                              "unistd.h",
                                              "pthread.h",
                                              "fcntl.h",
                                              "poll.h",
                                              "netdb.h",
                                              "signal.h",
                                              "csignal",
                                              "time.h",
                                              "ctime",
                                              "boost/",
                                              "fmt/",
                                              "spdlog/"};

// They cost 200 ms and more in every file that reads the header.
constexpr std::string_view kBannedInHeaders[] = {"iostream", "regex", "ranges", "functional"};

// Third-party headers that only the rooms named in the plan may include.
constexpr std::string_view kThirdParty[] = {"boost/",   "fmt/",     "spdlog/", "openssl/", "intel-ipsec-mb.h",
                                            "nghttp2/", "liburing", "bpf/",    "xdp/",     "CLI/"};

// A name that ends in '/' stands for everything below it.
bool matches(std::string_view path, std::string_view name) {
  return name.ends_with('/') || name == "liburing" ? path.starts_with(name) : path == name;
}

template <class List>
bool any_matches(std::string_view path, const List& names) {
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view name) { return matches(path, name); });
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& entry : list) text += (text.empty() ? "" : " ") + entry;
  return text.empty() ? "nothing" : text;
}

std::vector<std::string> read_list(const toml::table& table, std::string_view name) {
  std::vector<std::string> list;
  if (const toml::array* entries = table[name].as_array())
    for (const auto& entry : *entries) list.push_back(entry.value_or(std::string()));
  return list;
}

void check_project_include(const SourceText& source, const Include& include, const Room& room, const FloorPlan& plan,
                           Findings& out) {
  const Room* target = plan.room_of(include.path);
  if (target == nullptr) {
    if (include.path.starts_with("hawser/") && !room.core) return;  // the public API in include/
    out.push_back({source.path(), include.line,
                   "includes " + include.path + ", which is in no room of the floor plan; allowed: a path from src/"});
    return;
  }
  if (target->name == room.name || contains(room.sees, target->name) || contains(room.faces, include.path)) return;
  if (source.is_test() && contains(room.tests, target->name)) return;
  std::string allowed = joined(room.sees);
  for (const std::string& face : room.faces)
    if (plan.room_of(face) == target) allowed += " " + face;
  out.push_back(
      {source.path(), include.line, "includes " + include.path + " of room " + target->name + "; allowed: " + allowed});
}

void check_system_include(const SourceText& source, const Include& include, const Room& room, Findings& out) {
  const auto may = [&](std::string_view path) {
    return std::any_of(room.system.begin(), room.system.end(),
                       [&](const std::string& p) { return path.starts_with(p); });
  };
  if (may(include.path)) return;
  if (any_matches(include.path, kThirdParty)) {
    out.push_back(
        {source.path(), include.line,
         "includes <" + include.path + ">; allowed third-party headers in " + room.name + ": " + joined(room.system)});
  } else if (room.core && !source.is_test() && any_matches(include.path, kBannedInCore)) {
    out.push_back(
        {source.path(), include.line,
         "includes <" + include.path + "> in the sans-I/O core; allowed: time and randomness passed in, no I/O"});
  }
}

}  // namespace

FloorPlan FloorPlan::parse(std::string_view text) try {
  const toml::table table = toml::parse(text);
  FloorPlan plan;
  const toml::table* rooms = table["rooms"].as_table();
  if (rooms == nullptr) throw std::runtime_error("layers.toml: has no [rooms.NAME] table");
  for (const auto& [name, value] : *rooms) {
    const toml::table* entry = value.as_table();
    if (entry == nullptr) throw std::runtime_error("layers.toml: rooms." + std::string(name.str()) + " is no table");
    Room room;
    room.name = name.str();
    room.folder = (*entry)["folder"].value_or(std::string());
    room.core = (*entry)["core"].value_or(false);
    room.sees = read_list(*entry, "sees");
    room.faces = read_list(*entry, "faces");
    room.tests = read_list(*entry, "tests");
    room.system = read_list(*entry, "system");
    if (room.folder.empty()) throw std::runtime_error("layers.toml: rooms." + room.name + " has no folder");
    plan.rooms_.push_back(std::move(room));
  }
  plan.check();
  return plan;
} catch (const toml::parse_error& error) {
  throw std::runtime_error("layers.toml:" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
}

const Room* FloorPlan::find(std::string_view name) const {
  const auto found = std::find_if(rooms_.begin(), rooms_.end(), [&](const Room& room) { return room.name == name; });
  return found == rooms_.end() ? nullptr : &*found;
}

// Repeatedly takes away rooms that see only rooms already taken; what stays is a circle.
void FloorPlan::check() const {
  for (const Room& room : rooms_)
    for (const auto* list : {&room.sees, &room.tests})
      for (const std::string& name : *list)
        if (find(name) == nullptr)
          throw std::runtime_error("layers.toml: rooms." + room.name + " names the unknown room " + name);
  std::set<std::string> placed;
  for (bool progress = true; progress;) {
    progress = false;
    for (const Room& room : rooms_) {
      const bool rests =
          std::all_of(room.sees.begin(), room.sees.end(), [&](const auto& n) { return placed.contains(n); });
      if (rests && placed.insert(room.name).second) progress = true;
    }
  }
  for (const Room& room : rooms_)
    if (!placed.contains(room.name))
      throw std::runtime_error("layers.toml: the rooms see each other in a circle through " + room.name);
}

const Room* FloorPlan::room_of(std::string_view path) const {
  const Room* best = nullptr;
  for (const Room& room : rooms_)
    if (path.starts_with(room.folder + "/") && (best == nullptr || room.folder.size() > best->folder.size()))
      best = &room;
  return best;
}

void check_includes(const SourceText& source, const FloorPlan& plan, Findings& out) {
  const bool in_source_folder = source.path().starts_with(kSourceFolder);
  const std::string_view below =
      in_source_folder ? std::string_view(source.path()).substr(kSourceFolder.size()) : std::string_view();
  const Room* room = plan.room_of(below);
  if (in_source_folder && room == nullptr)
    out.push_back({source.path(), 1, "is in no room of the floor plan; allowed: a folder of tools/tidy/layers.toml"});
  for (const Include& include : source.includes()) {
    if (source.is_header() && !include.quoted) {
      const bool read_widely = in_source_folder || source.path().starts_with("include/");
      if (read_widely && any_matches(include.path, kBannedInHeaders))
        out.push_back(
            {source.path(), include.line, "includes <" + include.path + "> in a header; allowed: in a .cc file"});
      if (include.path == "chrono" && source.path() != "src/base/time.h" && room != nullptr)
        out.push_back({source.path(), include.line, "includes <chrono> in a header; allowed: \"base/time.h\""});
    }
    if (room == nullptr) continue;
    if (include.quoted)
      check_project_include(source, include, *room, plan, out);
    else
      check_system_include(source, include, *room, out);
  }
}

}  // namespace hawser::tidy
