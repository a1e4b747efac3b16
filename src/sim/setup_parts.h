// setup_parts.h: what scenarios are put together from.
#pragma once

#include "base/random.h"
#include "sim/setup.h"

namespace hawser::sim {

// A transfer both ways over a clean link: what every scenario starts from.
Setup basic(Random& random);
void add(Setup& setup, ElementSpec element);
// A client that only receives does not learn that its mapping is gone, and its server cannot
// tell it: someone behind a NAT has to send from time to time.
void keep_mappings_alive(Random& random, Setup& setup);
// Any faults, each with even odds.
void add_faults(Random& random, Setup& setup);

}  // namespace hawser::sim
