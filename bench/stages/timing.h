// timing.h: what a unit of a stage takes in nanoseconds.
#pragma once

#include "stage.h"

namespace hawser::stages {

struct Timing {
  double least_ns = 0;   // of all rounds: what it costs undisturbed
  double median_ns = 0;  // of all rounds
};

// Rounds until `seconds` have passed, with a warm-up before.
Timing time_stage(Work& work, double seconds);

}  // namespace hawser::stages
