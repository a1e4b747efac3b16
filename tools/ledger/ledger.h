// ledger.h: the conformance ledger: requirements of the specifications (specs/*.toml), where
// code keeps them, and where a test would fail without. Sources cite a requirement as
// "rfc9000:4.1-limit": the name of the file in specs/, a colon, and the id.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hawser::ledger {

enum class Level { kMust, kMustNot, kShould, kShouldNot };

std::string_view to_text(Level level);
constexpr bool is_must(Level level) {
  return level == Level::kMust || level == Level::kMustNot;
}

struct Place {
  std::string path;  // relative to the project's root
  int line = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

struct Requirement {
  std::string id;  // the section, '-', a word or two: "4.1-limit"
  Level level = Level::kMust;
  std::string text;     // what is asked, in our own words
  std::string no_code;  // why no line keeps it, empty when one does
  std::string no_test;  // why no test proves it, empty when one does
  std::vector<Place> code;
  std::vector<Place> tests;

  // "4.1" of "4.1-limit".
  std::string_view section() const;
};

struct Specification {
  std::string name;      // as cited: "rfc9000"
  std::string document;  // as people write it: "RFC 9000"
  std::string title;
  std::vector<Requirement> requirements;

  // Throws std::runtime_error that says where when the text is no valid ledger: bad TOML, an
  // unknown key, an id without a section or given twice, a requirement without a level.
  static Specification parse(std::string name, std::string_view toml);
};

struct Finding {
  Place place;
  std::string what;
};

class Ledger {
 public:
  explicit Ledger(std::vector<Specification> specifications);

  // Notes every citation in a source. A path that `is_test` goes to the tests.
  void read_source(const std::string& path, std::string_view text);

  const std::vector<Specification>& specifications() const { return specifications_; }
  // Citations of ids that no specification has.
  const std::vector<Finding>& unknown() const { return unknown_; }
  // Requirements that ask for more than there is; reasons that are no longer true.
  std::vector<Finding> findings(bool with_should) const;

 private:
  Requirement* find(std::string_view specification, std::string_view id);

  std::vector<Specification> specifications_;
  std::map<std::string, Requirement*, std::less<>> by_citation_;
  std::vector<Finding> unknown_;
};

// Tests, scenarios of the simulator and fuzz targets prove; everything else keeps.
bool is_test(std::string_view path);

struct Counts {
  int all = 0;
  int without_code = 0;      // no line and no reason
  int excused_code = 0;      // no line, with a reason
  int without_test = 0;      // no test, whether there is a reason or not
  int unexplained_test = 0;  // no test and no reason
};
// Of the MUSTs and MUST NOTs, or of the SHOULDs.
Counts count(const Specification& specification, bool must);

// docs/conformance.md.
std::string to_markdown(const Ledger& ledger);

}  // namespace hawser::ledger
