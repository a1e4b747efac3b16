// counting.h: instructions of each stage, counted by valgrind's callgrind, which runs this
// program again. Counts repeat to a few in a million, whatever else the machine does.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stage.h"

namespace hawser::stages {

struct Count {
  std::string stage;
  std::string unit;
  double instructions = 0;  // per unit
};

// Counts the stages whose name contains `filter`. The error says why it cannot be done here.
std::expected<std::vector<Count>, std::string> count_stages(const std::string& filter);

// The counted run itself, under callgrind: does each stage and prints a line about it.
void run_counted(std::span<const Stage* const> stages);

// What a dump of callgrind adds up to, in instructions.
struct DumpCost {
  double total = 0;
  double aead = 0;  // of that, in sealing and opening packets
};
std::optional<DumpCost> parse_dump(std::string_view dump);

}  // namespace hawser::stages
