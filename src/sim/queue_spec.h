// queue_spec.h: a queue discipline and its parameters, as written down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace hawser::sim {

enum class QueueKind : std::uint8_t { kDropTail, kCodel, kDualPi2 };

// Parameters of every discipline; each reads its own. Defaults are those of the RFCs.
struct QueueSpec {
  QueueKind kind = QueueKind::kDropTail;
  // Arrivals that would make it longer are dropped, whatever the discipline.
  std::size_t bytes_max = SIZE_MAX;
  std::size_t packets_max = SIZE_MAX;

  // Drop-tail: ECN-capable arrivals that find more octets than this get CE.
  std::size_t mark_above_bytes = SIZE_MAX;

  // CoDel (RFC 8289 section 4.2, 4.3): the delay that may stand, and for how long it may.
  Duration codel_target = 5ms;
  Duration codel_interval = 100ms;
  bool codel_ecn = true;  // marks ECN-capable datagrams instead of dropping them

  // DualPI2 (RFC 9332 appendix A): delay aimed at in the classic queue, longest RTT foreseen.
  Duration pi2_target = 15ms;
  Duration pi2_rtt_max = 100ms;
  // L4S marking ramps up between these; equal, as here, they are a step.
  Duration l4s_ramp_from = 1ms;
  Duration l4s_ramp_until = 1ms;
  // Share of the link that the classic queue gets while both are backlogged: 1 / this.
  std::size_t classic_weight = 16;

  bool operator==(const QueueSpec&) const = default;
};

// "droptail", "codel", "dualpi2"; empty for any other name.
std::optional<QueueKind> queue_kind_of(std::string_view name);
std::string_view name_of(QueueKind kind);

}  // namespace hawser::sim
