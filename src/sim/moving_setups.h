// moving_setups.h: scenarios of clients that move, of addresses that change, and of links that go away.
#pragma once

#include "base/random.h"
#include "sim/setup.h"

namespace hawser::sim {

Setup migration(Random& random);
Setup network_lost(Random& random);
Setup preferred_address(Random& random);
Setup spoofed(Random& random);
Setup spoofed_with_loss(Random& random);
Setup rebind_storm(Random& random);
Setup outages(Random& random);
Setup heavy_loss(Random& random);
Setup migration_with_faults(Random& random);
Setup multipath(Random& random);
Setup multipath_outages(Random& random);

}  // namespace hawser::sim
