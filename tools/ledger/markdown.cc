// markdown.cc: docs/conformance.md out of the ledger.
#include <set>

#include "ledger.h"

namespace hawser::ledger {
namespace {

// Lines move with every change, so the page names files; the citation finds the line.
std::string files_of(const std::vector<Place>& places, const std::string& reason) {
  if (places.empty()) return reason.empty() ? "**none**" : "none: " + reason;
  std::set<std::string> files;
  for (const Place& place : places) files.insert(place.path);
  std::string out;
  for (const std::string& file : files) {
    const std::string name = file.substr(file.rfind('/') + 1);
    out += (out.empty() ? "[" : ", [") + name + "](../" + file + ")";
  }
  return out;
}

std::string percent(int part, int whole) {
  if (whole == 0) return "0";
  const int tenths = (part * 1000 + whole / 2) / whole;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

void add_row(std::string& out, std::string_view name, const Counts& must, const Counts& should) {
  out += "| " + std::string(name) + " | " + std::to_string(must.all) + " | " + std::to_string(must.without_code) +
         " | " + std::to_string(must.excused_code) + " | " + std::to_string(must.without_test) + " (" +
         percent(must.without_test, must.all) + " %) | " + std::to_string(should.all) + " | " +
         std::to_string(should.without_code) + " | " + std::to_string(should.without_test) + " |\n";
}

void add(Counts& sum, const Counts& more) {
  sum.all += more.all;
  sum.without_code += more.without_code;
  sum.excused_code += more.excused_code;
  sum.without_test += more.without_test;
  sum.unexplained_test += more.unexplained_test;
}

void add_specification(std::string& out, const Specification& specification) {
  out += "\n## " + specification.document + (specification.title.empty() ? "" : ": " + specification.title) + "\n\n";
  out += "| requirement | level | what is asked | kept by | proved by |\n|---|---|---|---|---|\n";
  for (const Requirement& r : specification.requirements) {
    const std::string proof = r.tests.empty() && !r.no_code.empty() ? "not needed" : files_of(r.tests, r.no_test);
    out += "| `" + specification.name + ":" + r.id + "` | " + std::string(to_text(r.level)) + " | " + r.text + " | " +
           files_of(r.code, r.no_code) + " | " + proof + " |\n";
  }
}

}  // namespace

std::string to_markdown(const Ledger& ledger) {
  std::string out =
      "# Conformance\n\n"
      "What the specifications ask of an endpoint, in our own words, the code that keeps it and the test that would "
      "fail\n"
      "without. Search the sources for a requirement's name, such as `rfc9000:4.1-limit`, to find the lines. This page "
      "is\n"
      "written by `hawser-ledger --write` out of [specs](../specs) and the sources; do not edit it.\n\n"
      "| specification | MUST | no code | not ours, with a reason | no test | SHOULD | no code | no test |\n"
      "|---|---|---|---|---|---|---|---|\n";
  Counts must;
  Counts should;
  for (const Specification& specification : ledger.specifications()) {
    add_row(out, specification.document, count(specification, true), count(specification, false));
    add(must, count(specification, true));
    add(should, count(specification, false));
  }
  add_row(out, "**all**", must, should);
  for (const Specification& specification : ledger.specifications()) add_specification(out, specification);
  return out;
}

}  // namespace hawser::ledger
