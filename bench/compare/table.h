// table.h: what several runs of several contenders come to: medians, ratios, a table, JSON.
#pragma once

#include <string>
#include <vector>

namespace hawser::compare {

// One transfer.
struct Sample {
  double gbit_per_s = 0;
  double sender_cpu_s_per_gb = 0;
  double receiver_cpu_s_per_gb = 0;
};

struct Contender {
  std::string name;
  std::string what;  // one line on what was run
  std::vector<Sample> samples;
  std::size_t failures = 0;
};

struct Summary {
  double gbit_per_s = 0;  // medians
  double least = 0;
  double most = 0;
  double sender_cpu_s_per_gb = 0;
  double receiver_cpu_s_per_gb = 0;
  // What the busier side could move with a core of its own: the number that other programs
  // on the machine disturb least.
  double gbit_per_core_s = 0;
};

double median(std::vector<double> values);
Summary summarize(const Contender& contender);
// The first contender is what the others are compared with.
std::string to_table(const std::vector<Contender>& contenders);
std::string to_json(const std::vector<Contender>& contenders);

}  // namespace hawser::compare
