// own_scheduler.cc: a path scheduler that does not come with the library: it stays where it is. All goes over one path
// for as long as its round trip is at most a quarter longer than the shortest; what that path cannot take goes to the
// others only while there is much to send. steady.lua says the same as a script. The program makes both known by name,
// as an application would before it connects, and shows what they get of two simulated links beside min-rtt.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "hawser/path_scheduler.h"
#include "sim/bonded.h"

namespace {

using namespace std::chrono_literals;

class Steady final : public hawser::PathScheduler {
 public:
  hawser::ScheduleAnswer choose(std::span<const hawser::ScheduledPath> paths, const hawser::ScheduleDemand& demand,
                                std::uint64_t) override {
    const std::size_t quickest = quickest_of(paths, false);
    std::size_t home = paths.size();
    for (std::size_t i = 0; i < paths.size(); ++i)
      if (paths[i].id == home_) home = i;
    if (home == paths.size() || paths[home].smoothed_rtt_us * 4 > paths[quickest].smoothed_rtt_us * 5) home = quickest;
    home_ = paths[home].id;
    if (paths[home].ready) return {.path = home, .octets = room_of(paths[home])};
    if (demand.octets_waiting > kMuch) {
      const std::size_t other = quickest_of(paths, true);
      if (other != paths.size()) return {.path = other, .octets = 4 * std::uint64_t{paths[other].mtu}};
    }
    return {.path = home};  // not ready: wait for it
  }

 private:
  static constexpr std::uint64_t kMuch = 100'000;  // octets that wait: worth the other paths too

  // paths.size(): none.
  static std::size_t quickest_of(std::span<const hawser::ScheduledPath> paths, bool ready) {
    std::size_t best = paths.size();
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (ready && !paths[i].ready) continue;
      if (best == paths.size() || paths[i].smoothed_rtt_us < paths[best].smoothed_rtt_us) best = i;
    }
    return best;
  }
  static std::uint64_t room_of(const hawser::ScheduledPath& path) {
    return path.congestion_window - std::min(path.octets_in_flight, path.congestion_window);
  }

  std::uint64_t home_ = UINT64_MAX;
};

std::unique_ptr<hawser::PathScheduler> make(const void*) {
  return std::make_unique<Steady>();
}

bool add_script(const char* file) {
  std::ifstream in(file);
  const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto added = hawser::add_path_script("lua:steady", source, "steady.lua");
  if (!added) std::fprintf(stderr, "%s\n", added.error().message.c_str());
  return added.has_value();
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto added = hawser::add_path_scheduler("steady", &make); !added) {
    std::fprintf(stderr, "%s\n", added.error().message.c_str());
    return 1;
  }
  std::vector<const char*> names = {"min-rtt", "steady"};
  if (argc > 1 && add_script(argv[1])) names.push_back("lua:steady");
  using namespace hawser::sim;
  bool good = true;
  for (const char* name : names) {
    BondPlan plan{.links = {link({rate(mbit(20), 100'000), delay(10ms)}), link({rate(mbit(20), 150'000), delay(25ms)})},
                  .octets = 10'000'000,
                  .download = false};
    plan.scheduler = name;
    BondedRun run(plan);
    good = run.finish() && run.failure().empty() && run.client->path_scheduler_failure().empty() && good;
    std::printf("%-10s %5.1f Mbit/s of two times 20;", name, run.mbit_per_second());
    for (const auto& path : run.client->paths())
      std::printf(" path %d: %4.1f MB", static_cast<int>(path.id.value), static_cast<double>(path.bytes_sent) / 1e6);
    std::printf("\n");
    good = good && run.mbit_per_second() > 25;  // more than one of them carries
  }
  return good ? 0 : 1;
}
