// ledger.cc: reads specifications and the citations in sources, and finds what is missing.
#include "ledger.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <stdexcept>

#include <toml++/toml.h>

namespace hawser::ledger {
namespace {

struct LevelKey {
  std::string_view key;
  Level level;
};
constexpr LevelKey kLevels[] = {{"must", Level::kMust},
                                {"must_not", Level::kMustNot},
                                {"should", Level::kShould},
                                {"should_not", Level::kShouldNot}};

[[noreturn]] void fail(std::string_view name, const toml::node& where, std::string_view what) {
  throw std::runtime_error("specs/" + std::string(name) + ".toml:" + std::to_string(where.source().begin.line) + ": " +
                           std::string(what));
}

bool is_section_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.';
}
bool is_id_character(char c) {
  return is_section_character(c) || c == '-' || c == '_';
}

bool is_id(std::string_view id) {
  const std::size_t dash = id.find('-');
  return dash != std::string_view::npos && dash > 0 && dash + 1 < id.size() &&
         std::all_of(id.begin(), id.begin() + static_cast<std::ptrdiff_t>(dash), is_section_character) &&
         std::all_of(id.begin(), id.end(), is_id_character);
}

Requirement parse_requirement(std::string_view name, const toml::table& row) {
  Requirement requirement;
  int levels = 0;
  for (const auto& [key, node] : row) {
    const auto text = node.value<std::string>();
    if (!text || text->empty()) fail(name, node, "'" + std::string(key.str()) + "' wants a text");
    const auto* level = std::find_if(std::begin(kLevels), std::end(kLevels),
                                     [&](const LevelKey& known) { return known.key == key.str(); });
    if (level != std::end(kLevels)) {
      requirement.level = level->level;
      requirement.text = *text;
      ++levels;
    } else if (key.str() == "id") {
      requirement.id = *text;
    } else if (key.str() == "no_code") {
      requirement.no_code = *text;
    } else if (key.str() == "no_test") {
      requirement.no_test = *text;
    } else {
      fail(name, node,
           "unknown key '" + std::string(key.str()) +
               "'; there are id, must, must_not, should, should_not, no_code, no_test");
    }
  }
  if (!is_id(requirement.id)) fail(name, row, "an id is a section, '-' and a word, such as 4.1-limit");
  if (levels != 1) fail(name, row, requirement.id + " wants exactly one of must, must_not, should, should_not");
  return requirement;
}

void check_requirement(const Specification& specification, const Requirement& r, std::vector<Finding>& out) {
  const Place place{"specs/" + specification.name + ".toml", 1};
  const std::string cited = specification.name + ":" + r.id;
  if (!r.no_code.empty() && !r.code.empty()) out.push_back({place, cited + " has code, and a reason for having none"});
  if (!r.no_test.empty() && !r.tests.empty())
    out.push_back({place, cited + " has a test, and a reason for having none"});
  if (r.code.empty() && r.no_code.empty()) out.push_back({place, cited + " is cited by no code: " + r.text});
  // What no code keeps needs no proof.
  if (r.tests.empty() && r.no_test.empty() && r.no_code.empty())
    out.push_back({place, cited + " is cited by no test: " + r.text});
}

}  // namespace

std::string_view to_text(Level level) {
  switch (level) {
    case Level::kMust:
      return "MUST";
    case Level::kMustNot:
      return "MUST NOT";
    case Level::kShould:
      return "SHOULD";
    case Level::kShouldNot:
      return "SHOULD NOT";
  }
  return "MUST";
}

std::string_view Requirement::section() const {
  return std::string_view(id).substr(0, id.find('-'));
}

Specification Specification::parse(std::string name, std::string_view text) {
  Specification out;
  out.name = std::move(name);
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw std::runtime_error("specs/" + out.name + ".toml:" + std::to_string(error.source().begin.line) + ": " +
                             std::string(error.description()));
  }
  out.document = root["document"].value_or(std::string());
  out.title = root["title"].value_or(std::string());
  const toml::array* rules = root["rules"].as_array();
  if (out.document.empty() || rules == nullptr) fail(out.name, root, "wants 'document' and the array 'rules'");
  std::set<std::string> ids;
  for (const toml::node& node : *rules) {
    const toml::table* row = node.as_table();
    if (row == nullptr) fail(out.name, node, "a rule is a table: { id = \"4.1-limit\", must = \"...\" }");
    out.requirements.push_back(parse_requirement(out.name, *row));
    if (!ids.insert(out.requirements.back().id).second)
      fail(out.name, node, out.requirements.back().id + " stands there twice");
  }
  return out;
}

bool is_test(std::string_view path) {
  for (const std::string_view folder : {"tests/", "fuzz/", "src/sim/"})
    if (path.starts_with(folder)) return true;
  return path.find("_test.") != std::string_view::npos;
}

Ledger::Ledger(std::vector<Specification> specifications) : specifications_(std::move(specifications)) {
  for (Specification& specification : specifications_)
    for (Requirement& requirement : specification.requirements)
      by_citation_.emplace(specification.name + ":" + requirement.id, &requirement);
}

void Ledger::read_source(const std::string& path, std::string_view text) {
  for (const Specification& specification : specifications_) {
    const std::string prefix = specification.name + ":";
    for (std::size_t at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1)) {
      std::size_t end = at + prefix.size();
      // "rfc1::function" is C++, "myrfc1:" another name.
      if (end >= text.size() || !is_section_character(text[end])) continue;
      if (at > 0 && is_id_character(text[at - 1])) continue;
      while (end < text.size() && is_id_character(text[end])) ++end;
      // A full stop that ends a sentence belongs to the sentence.
      while (text[end - 1] == '.' || text[end - 1] == '-') --end;
      const Place place{
          path, 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'))};
      const auto found = by_citation_.find(text.substr(at, end - at));
      if (found == by_citation_.end()) {
        unknown_.push_back({place, "no requirement is named '" + std::string(text.substr(at, end - at)) + "'; specs/" +
                                       specification.name + ".toml has them"});
      } else {
        (is_test(path) ? found->second->tests : found->second->code).push_back(place);
      }
    }
  }
}

std::vector<Finding> Ledger::findings(bool with_should) const {
  std::vector<Finding> out;
  for (const Specification& specification : specifications_)
    for (const Requirement& requirement : specification.requirements)
      if (with_should || is_must(requirement.level)) check_requirement(specification, requirement, out);
  return out;
}

Counts count(const Specification& specification, bool must) {
  Counts counts;
  for (const Requirement& r : specification.requirements) {
    if (is_must(r.level) != must) continue;
    ++counts.all;
    if (r.code.empty()) ++(r.no_code.empty() ? counts.without_code : counts.excused_code);
    // What no code keeps, with a reason, needs no proof.
    if (!r.tests.empty() || !r.no_code.empty()) continue;
    ++counts.without_test;
    if (r.no_test.empty()) ++counts.unexplained_test;
  }
  return counts;
}

}  // namespace hawser::ledger
