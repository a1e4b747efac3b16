// congestion_controller.cc: controllers by name: ours, and those that an application added.
#include "quic/congestion/congestion_controller.h"

#include <array>

#include "base/added_factories.h"
#include "quic/congestion/controller_table.h"

namespace hawser::quic {

namespace {

constinit AddedFactories<CongestionControllerFactory, kMaxAddedControllers> added{};

const NamedController* find_own(std::string_view name) {
  for (const NamedController& entry : controller_table())
    if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace

std::string_view to_string(CongestionPhase phase) {
  constexpr std::array<std::string_view, 16> kNames = {"slow_start",
                                                       "conservative_slow_start",
                                                       "congestion_avoidance",
                                                       "recovery",
                                                       "startup",
                                                       "drain",
                                                       "probe_bw",
                                                       "probe_bw_down",
                                                       "probe_bw_cruise",
                                                       "probe_bw_refill",
                                                       "probe_bw_up",
                                                       "probe_rtt",
                                                       "careful_reconnaissance",
                                                       "careful_unvalidated",
                                                       "careful_validating",
                                                       "careful_safe_retreat"};
  static_assert(kNames.size() == static_cast<std::size_t>(CongestionPhase::kSafeRetreat) + 1);
  return kNames[static_cast<std::size_t>(phase)];
}

std::string congestion_controller_names() {
  std::string names;
  const auto append = [&names](std::string_view name) { names.append(names.empty() ? "" : ", ").append(name); };
  for (const NamedController& entry : controller_table()) append(entry.name);
  added.for_each_name(append);
  return names;
}

// rfc9002:7-other-controllers
std::expected<std::unique_ptr<CongestionController>, ConfigError> make_congestion_controller(
    std::string_view name, std::uint64_t max_datagram_size) {
  if (const NamedController* own = find_own(name)) return own->make(max_datagram_size);
  if (const auto* entry = added.find(name)) return entry->make(entry->context, max_datagram_size);
  return std::unexpected(ConfigError{"congestion controller '" + std::string(name) + "' is unknown: give one of " +
                                     congestion_controller_names()});
}

std::expected<void, ConfigError> add_congestion_controller(std::string_view name, CongestionControllerFactory make,
                                                           const void* context) {
  const std::string quoted = "congestion controller '" + std::string(name) + "'";
  if (name.empty() || name.size() > kAddedNameMax || name.contains('\0') || make == nullptr)
    return std::unexpected(ConfigError{quoted + ": give a name of 1 to 31 octets, none of them zero, and a factory"});
  const auto result = find_own(name) != nullptr ? decltype(added)::Added::kTaken : added.add(name, make, context);
  if (result == decltype(added)::Added::kTaken)
    return std::unexpected(ConfigError{quoted + " exists already: choose another name"});
  if (result == decltype(added)::Added::kFull)
    return std::unexpected(ConfigError{quoted + ": the table holds 16 added controllers and is full"});
  return {};
}

}  // namespace hawser::quic
