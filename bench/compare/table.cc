// table.cc: medians, and how they are printed.
#include "table.h"

#include <fmt/format.h>

#include <algorithm>

namespace hawser::compare {
namespace {

std::vector<double> values_of(const Contender& contender, double Sample::* field) {
  std::vector<double> values;
  for (const Sample& sample : contender.samples) values.push_back(sample.*field);
  return values;
}

double ratio(double value, double base) {
  return base > 0 ? value / base : 0;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Summary summarize(const Contender& contender) {
  const std::vector<double> speeds = values_of(contender, &Sample::gbit_per_s);
  Summary s{.gbit_per_s = median(speeds),
            .sender_cpu_s_per_gb = median(values_of(contender, &Sample::sender_cpu_s_per_gb)),
            .receiver_cpu_s_per_gb = median(values_of(contender, &Sample::receiver_cpu_s_per_gb))};
  if (speeds.empty()) return s;
  s.least = *std::min_element(speeds.begin(), speeds.end());
  s.most = *std::max_element(speeds.begin(), speeds.end());
  const double busier = std::max(s.sender_cpu_s_per_gb, s.receiver_cpu_s_per_gb);
  s.gbit_per_core_s = busier > 0 ? 8 / busier : 0;
  return s;
}

std::string to_table(const std::vector<Contender>& contenders) {
  const Summary base = contenders.empty() ? Summary{} : summarize(contenders.front());
  std::string text = fmt::format("{:<18} {:>8} {:>15} {:>7} {:>12} {:>12} {:>12} {:>7}\n", "", "Gbit/s", "least-most",
                                 "ratio", "sender s/GB", "receiver", "Gbit/core s", "ratio");
  for (const Contender& contender : contenders) {
    if (contender.samples.empty()) {
      text += fmt::format("{:<18} no result ({} failures)\n", contender.name, contender.failures);
      continue;
    }
    const Summary s = summarize(contender);
    text += fmt::format("{:<18} {:>8.2f} {:>15} {:>7.2f} {:>12.3f} {:>12.3f} {:>12.2f} {:>7.2f}\n", contender.name,
                        s.gbit_per_s, fmt::format("{:.2f}-{:.2f}", s.least, s.most),
                        ratio(s.gbit_per_s, base.gbit_per_s), s.sender_cpu_s_per_gb, s.receiver_cpu_s_per_gb,
                        s.gbit_per_core_s, ratio(s.gbit_per_core_s, base.gbit_per_core_s));
  }
  return text;
}

std::string to_json(const std::vector<Contender>& contenders) {
  const Summary base = contenders.empty() ? Summary{} : summarize(contenders.front());
  std::string text;
  for (const Contender& contender : contenders) {
    const Summary s = summarize(contender);
    std::string runs;
    for (const Sample& sample : contender.samples)
      runs += fmt::format(
          "{}{{\"gbit_per_s\": {:.4f}, \"sender_cpu_s_per_gb\": {:.4f}, \"receiver_cpu_s_per_gb\": {:.4f}}}",
          runs.empty() ? "" : ", ", sample.gbit_per_s, sample.sender_cpu_s_per_gb, sample.receiver_cpu_s_per_gb);
    text += fmt::format(
        "{}  {{\"name\": \"{}\", \"what\": \"{}\", \"gbit_per_s_median\": {:.4f}, \"gbit_per_s_min\": {:.4f}, "
        "\"gbit_per_s_max\": {:.4f}, \"ratio_to_first\": {:.4f}, \"sender_cpu_s_per_gb\": {:.4f}, "
        "\"receiver_cpu_s_per_gb\": {:.4f}, \"gbit_per_core_s\": {:.4f}, \"failures\": {}, \"runs\": [{}]}}",
        text.empty() ? "" : ",\n", contender.name, contender.what, s.gbit_per_s, s.least, s.most,
        ratio(s.gbit_per_s, base.gbit_per_s), s.sender_cpu_s_per_gb, s.receiver_cpu_s_per_gb, s.gbit_per_core_s,
        contender.failures, runs);
  }
  return "[\n" + text + "\n]\n";
}

}  // namespace hawser::compare
