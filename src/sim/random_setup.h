// random_setup.h: a scenario of which everything is drawn from the seed.
#pragma once

#include "base/random.h"
#include "sim/setup.h"

namespace hawser::sim {

Setup random_setup(Random& random);

}  // namespace hawser::sim
