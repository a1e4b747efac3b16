// rules.cc: the checks on a single source: lengths, words, opening comment, and the ratchet
// on their exceptions. Includes have a file of their own, floor_plan.cc.
#include "rules.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <stdexcept>

#include <toml++/toml.h>

namespace hawser::tidy {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// `word` with no letter, digit or underscore on either side.
bool has_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool begins = at == 0 || !is_word(line[at - 1]);
    const bool ends = at + word.size() == line.size() || !is_word(line[at + word.size()]);
    if (begins && ends) return true;
  }
  return false;
}

std::map<std::string, int> read_exceptions(const toml::table& table, std::string_view name) {
  std::map<std::string, int> exceptions;
  if (const toml::table* entries = table[name].as_table())
    for (const auto& [key, value] : *entries) exceptions[std::string(key.str())] = value.value_or(0);
  return exceptions;
}

std::vector<std::string> read_list(const toml::table& table, std::string_view name) {
  std::vector<std::string> list;
  if (const toml::array* entries = table[name].as_array())
    for (const auto& entry : *entries) list.push_back(entry.value_or(std::string()));
  return list;
}

int allowed(const std::map<std::string, int>& exceptions, const std::string& key, int limit) {
  const auto found = exceptions.find(key);
  return found == exceptions.end() ? limit : std::max(limit, found->second);
}

}  // namespace

Limits Limits::parse(std::string_view text) try {
  const toml::table table = toml::parse(text);
  Limits limits;
  limits.function_lines_max = table["function_lines_max"].value_or(limits.function_lines_max);
  limits.file_lines_max = table["file_lines_max"].value_or(limits.file_lines_max);
  limits.folders = read_list(table, "folders");
  limits.banned_words_exempt = read_list(table, "banned_words_exempt");
  limits.function_exceptions = read_exceptions(table, "function_exceptions");
  limits.file_exceptions = read_exceptions(table, "file_exceptions");
  return limits;
} catch (const toml::parse_error& error) {
  throw std::runtime_error("tidy.toml:" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
}

void check_lengths(const SourceText& source, const Limits& limits, Findings& out) {
  const int lines = static_cast<int>(source.lines().size());
  if (lines > allowed(limits.file_exceptions, source.path(), limits.file_lines_max))
    out.push_back(
        {source.path(), lines,
         "the file has " + std::to_string(lines) + " lines; allowed: " + std::to_string(limits.file_lines_max)});
  for (const Function& function : source.functions()) {
    const std::string key = source.path() + ":" + function.name;
    if (function.code_lines <= allowed(limits.function_exceptions, key, limits.function_lines_max)) continue;
    out.push_back({source.path(), function.line,
                   function.name + " has " + std::to_string(function.code_lines) +
                       " code lines; allowed: " + std::to_string(limits.function_lines_max)});
  }
}

void check_banned_words(const SourceText& source, const Limits& limits, Findings& out) {
  for (const std::string& prefix : limits.banned_words_exempt)
    if (source.path().starts_with(prefix)) return;
  static constexpr std::string_view kMarks[] = {"TODO", "FIXME", "XXX", "HACK"};
  static constexpr std::string_view kPhrases[] = {"for now", "not implemented", "not yet implemented", "stub",
                                                  "placeholder"};
  for (std::size_t i = 0; i < source.lines().size(); ++i) {
    const std::string& line = source.lines()[i];
    // Phrases count in comments only: "501 Not Implemented" is a fact of HTTP.
    const std::size_t comment = std::min(line.find("//"), line.size());
    const std::string lowered = lower(std::string_view(line).substr(comment));
    for (const std::string_view word : kMarks)
      if (has_word(line, word))
        out.push_back({source.path(), static_cast<int>(i) + 1,
                       "says " + std::string(word) + "; allowed: do it, or write it down in the tracker"});
    for (const std::string_view phrase : kPhrases)
      if (has_word(lowered, phrase))
        out.push_back({source.path(), static_cast<int>(i) + 1,
                       "says '" + std::string(phrase) + "'; allowed: a sentence about what the code does"});
  }
}

// A file says what it is for; a test says its goal and method instead, with or without its name.
void check_opening(const SourceText& source, Findings& out) {
  if (source.is_test()) {
    const std::string opening = lower(source.opening_comment());
    for (const std::string_view word : {"goal", "method"})
      if (!has_word(opening, word))
        out.push_back({source.path(), 1,
                       "the opening comment has no " + std::string(word) + "; allowed: '// Goal: ... Method: ...'"});
    return;
  }
  const std::string expected = "// " + std::string(source.file_name()) + ":";
  const std::string first = source.lines().empty() ? std::string() : source.lines().front();
  if (!first.starts_with(expected))
    out.push_back({source.path(), 1, "does not say what it is for; allowed: a first line '" + expected + " ...'"});
}

void check_exceptions(const std::vector<SourceText>& sources, const Limits& limits, Findings& out) {
  std::map<std::string, int> longest;
  for (const SourceText& source : sources) {
    longest[source.path()] = static_cast<int>(source.lines().size());
    for (const Function& function : source.functions()) {
      int& lines = longest[source.path() + ":" + function.name];
      lines = std::max(lines, function.code_lines);
    }
  }
  const auto check = [&](const std::map<std::string, int>& exceptions, int limit) {
    for (const auto& [key, value] : exceptions) {
      const int now = longest.contains(key) ? longest[key] : 0;
      if (now >= value && value > limit) continue;
      const std::string advice = now > limit ? "lower it to " + std::to_string(now) : std::string("delete it");
      out.push_back(
          {"tools/tidy/tidy.toml", 1, "the exception for " + key + " is larger than needed; allowed: " + advice});
    }
  };
  check(limits.function_exceptions, limits.function_lines_max);
  check(limits.file_exceptions, limits.file_lines_max);
}

Findings check_all(const std::vector<SourceText>& sources, const FloorPlan& plan, const Limits& limits) {
  Findings findings;
  for (const SourceText& source : sources) {
    check_includes(source, plan, findings);
    check_lengths(source, limits, findings);
    check_banned_words(source, limits, findings);
    check_opening(source, findings);
  }
  check_exceptions(sources, limits, findings);
  return findings;
}

}  // namespace hawser::tidy
