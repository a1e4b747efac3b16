// json.cc: every number of a run; keys say their units.
#include <fmt/format.h>

#include <cmath>

#include "report.h"

namespace hawser::compare {
namespace {

// (A function named quoted() would compete with the standard library's.)
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number(double value) {
  return std::isnan(value) ? "null" : fmt::format("{:.6g}", value);
}

std::string row_json(const Result& result, std::size_t row) {
  const Row& of = result.rows[row];
  std::string metrics;
  for (std::size_t i = 0; i < of.figures.size(); ++i) {
    const Figure& figure = of.figures[i];
    metrics += fmt::format("{}{}: {{\"median\": {}, \"least\": {}, \"most\": {}, \"ratio_to_first\": {}}}",
                           i == 0 ? "" : ", ", json_string(result.metrics[i].key), number(figure.median),
                           number(figure.least), number(figure.most), number(ratio_to_first(result, row, i)));
  }
  return fmt::format(
      "{{\"name\": {}, \"what\": {}, \"runs\": {}, \"failures\": {}, \"failure\": {}, \"missing\": {}, "
      "\"metrics\": {{{}}}}}",
      json_string(of.about.name), json_string(of.about.what), of.runs, of.failures, json_string(of.failure),
      json_string(of.about.missing), metrics);
}

}  // namespace

std::string to_json(const Machine& machine, const std::vector<Result>& results) {
  std::string scenarios;
  for (const Result& result : results) {
    std::string rows;
    for (std::size_t i = 0; i < result.rows.size(); ++i)
      rows += fmt::format("{}      {}", i == 0 ? "" : ",\n", row_json(result, i));
    scenarios += fmt::format("{}    {{\"name\": {}, \"title\": {}, \"contenders\": [\n{}\n    ]}}",
                             scenarios.empty() ? "" : ",\n", json_string(result.name), json_string(result.title), rows);
  }
  return fmt::format(
      "{{\n  \"machine\": {{\"cpu\": {}, \"cpus\": {}, \"kernel\": {}, \"compiler\": {}}},\n  \"scenarios\": "
      "[\n{}\n  ]\n}}\n",
      json_string(machine.cpu), machine.cpus, json_string(machine.kernel), json_string(machine.compiler), scenarios);
}

}  // namespace hawser::compare
