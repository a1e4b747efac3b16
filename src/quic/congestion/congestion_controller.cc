// congestion_controller.cc: controllers by name: ours, and those that an application added.
#include "quic/congestion/congestion_controller.h"

#include <array>
#include <atomic>
#include <cstring>

#include "quic/congestion/controller_table.h"

namespace hawser::quic {

namespace {

constexpr std::size_t kNameMax = 31;

// A slot is claimed by one writer and read by anybody once `ready`; nothing is ever taken out, so that
// workers need no lock.
struct AddedController {
  std::atomic<bool> ready{false};
  char name[kNameMax + 1] = {};
  CongestionControllerFactory make = nullptr;
  const void* context = nullptr;
};

constinit std::array<AddedController, kMaxAddedControllers> added{};
constinit std::atomic<std::size_t> claimed{0};

const AddedController* find_added(std::string_view name) {
  for (const AddedController& slot : added)
    if (slot.ready.load(std::memory_order_acquire) && name == slot.name) return &slot;
  return nullptr;
}

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
  for (const AddedController& slot : added)
    if (slot.ready.load(std::memory_order_acquire)) append(slot.name);
  return names;
}

// rfc9002:7-other-controllers
std::expected<std::unique_ptr<CongestionController>, ConfigError> make_congestion_controller(
    std::string_view name, std::uint64_t max_datagram_size) {
  if (const NamedController* own = find_own(name)) return own->make(max_datagram_size);
  if (const AddedController* slot = find_added(name)) return slot->make(slot->context, max_datagram_size);
  return std::unexpected(ConfigError{"congestion controller '" + std::string(name) + "' is unknown: give one of " +
                                     congestion_controller_names()});
}

std::expected<void, ConfigError> add_congestion_controller(std::string_view name, CongestionControllerFactory make,
                                                           const void* context) {
  const std::string quoted = "congestion controller '" + std::string(name) + "'";
  if (name.empty() || name.size() > kNameMax || make == nullptr)
    return std::unexpected(ConfigError{quoted + ": give a name of 1 to 31 octets and a factory"});
  if (find_own(name) != nullptr || find_added(name) != nullptr)
    return std::unexpected(ConfigError{quoted + " exists already: choose another name"});
  const std::size_t index = claimed.fetch_add(1, std::memory_order_relaxed);
  if (index >= added.size())
    return std::unexpected(ConfigError{quoted + ": the table holds 16 added controllers and is full"});
  AddedController& slot = added[index];
  std::memcpy(slot.name, name.data(), name.size());
  slot.make = make;
  slot.context = context;
  slot.ready.store(true, std::memory_order_release);
  return {};
}

}  // namespace hawser::quic
