// report.h: results as a table for a terminal, as JSON for programs, as a chart for a page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenario.h"

namespace hawser::compare {

struct Machine {
  std::string cpu;     // "AMD EPYC 9654"
  std::string kernel;  // "6.1.0"
  std::size_t cpus = 0;
  std::string compiler;
};
Machine this_machine();

// Medians, each with its ratio to the first row, and how far apart the runs were.
std::string to_table(const Result& result);
std::string to_json(const Machine& machine, const std::vector<Result>& results);
// One panel for each result that has figures: a bar for each contender, by the first metric.
// Readable on white and on black.
std::string to_svg(const Machine& machine, const std::vector<Result>& results);

}  // namespace hawser::compare
