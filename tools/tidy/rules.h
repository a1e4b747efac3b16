// rules.h: what tidy checks. Each rule looks at one source and adds findings; a finding says
// where, what, and what is allowed instead.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "source_text.h"

namespace hawser::tidy {

struct Finding {
  std::string path;
  int line = 1;
  std::string what;
};
using Findings = std::vector<Finding>;

struct Room {
  std::string name;
  std::string folder;               // below src/
  bool core = false;                // sans-I/O: no clock, socket, thread, lock, exception-heavy library
  std::vector<std::string> sees;    // rooms whose headers it may include
  std::vector<std::string> faces;   // single headers of other rooms
  std::vector<std::string> tests;   // rooms its tests may see beyond
  std::vector<std::string> system;  // prefixes of third-party headers
};

// The floor plan of layers.toml.
class FloorPlan {
 public:
  // Throws std::runtime_error with the place when the text is no valid plan: bad TOML, an
  // unknown room in a list, or two rooms that see each other.
  static FloorPlan parse(std::string_view toml);

  // The room whose folder is the longest prefix of `path` (relative to src/), or null.
  const Room* room_of(std::string_view path) const;

  const std::vector<Room>& rooms() const { return rooms_; }

 private:
  const Room* find(std::string_view name) const;
  void check() const;

  std::vector<Room> rooms_;
};

// The limits of tidy.toml.
struct Limits {
  int function_lines_max = 70;
  int file_lines_max = 600;
  std::vector<std::string> folders;
  std::vector<std::string> banned_words_exempt;    // prefixes of paths
  std::map<std::string, int> function_exceptions;  // "path:function"
  std::map<std::string, int> file_exceptions;      // "path"

  static Limits parse(std::string_view toml);
};

void check_includes(const SourceText& source, const FloorPlan& plan, Findings& out);
void check_lengths(const SourceText& source, const Limits& limits, Findings& out);
void check_banned_words(const SourceText& source, const Limits& limits, Findings& out);
void check_opening(const SourceText& source, Findings& out);

// Exceptions that no source needs any more, or not so large: the lists only shrink.
void check_exceptions(const std::vector<SourceText>& sources, const Limits& limits, Findings& out);

Findings check_all(const std::vector<SourceText>& sources, const FloorPlan& plan, const Limits& limits);

}  // namespace hawser::tidy
