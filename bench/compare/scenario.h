// scenario.h: something that can be measured of several contenders, and what it came to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hawser::compare {

// What a contender is measured by. The first of a scenario is the one that is charted.
struct Metric {
  std::string key;    // in JSON, its unit at the end: "throughput_gbit_per_s"
  std::string title;  // of its column
  int decimals = 2;
  bool less_is_better = false;
};

// By the scenario's metrics, in their order; NaN where a contender has nothing to say.
using Sample = std::vector<double>;
// The error says what went wrong, in a line.
using Measured = std::expected<Sample, std::string>;

struct About {
  std::string name;
  std::string what;     // one line on what is run
  std::string missing;  // what to install or build first; empty: it can run
  bool ours = false;
};

class Contender {
 public:
  explicit Contender(About about) : about_(std::move(about)) {}
  virtual ~Contender() = default;
  [[nodiscard]] const About& about() const { return about_; }
  virtual Measured measure() = 0;

 private:
  About about_;
};

struct Scenario {
  std::string name;  // on the command line
  std::string title;
  std::vector<Metric> metrics;
  std::size_t runs_max = SIZE_MAX;                       // where one run says it all
  std::vector<std::unique_ptr<Contender>> contenders{};  // the first is what the others are compared with

  // `run` is called without arguments and returns Measured.
  template <class Run>
  void add(About about, Run run) {
    class Running final : public Contender {
     public:
      Running(About a, Run r) : Contender(std::move(a)), run_(std::move(r)) {}
      Measured measure() override { return run_(); }

     private:
      Run run_;
    };
    contenders.push_back(std::make_unique<Running>(std::move(about), std::move(run)));
  }
};

struct Figure {
  double median = 0;  // NaN: nothing to say
  double least = 0;
  double most = 0;
};

struct Row {
  About about;
  std::size_t runs = 0;  // that gave a sample
  std::size_t failures = 0;
  std::string failure;          // the last one
  std::vector<Figure> figures;  // by metric; empty without a sample
};

struct Result {
  std::string name;
  std::string title;
  std::vector<Metric> metrics;
  std::vector<Row> rows;
};

double median(std::vector<double> values);
// The samples of one contender, metric by metric.
std::vector<Figure> figures_of(const std::vector<Sample>& samples, std::size_t metrics);
// This row's median beside the first row's; NaN if either has none.
double ratio_to_first(const Result& result, std::size_t row, std::size_t metric);

// All contenders in turns, `runs` times, so that what else the machine does hits everyone alike.
// Says on standard error how it goes.
Result measure(Scenario& scenario, std::size_t runs);

}  // namespace hawser::compare
