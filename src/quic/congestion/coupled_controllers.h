// coupled_controllers.h: three ways in which the windows of several paths grow together.
#pragma once

#include "quic/congestion/coupling.h"

namespace hawser::quic {

// RFC 6356, linked increases: in all as fast as one flow on the best of its paths, and on no path faster
// than a flow of its own there.
class Lia final : public CoupledController {
 public:
  using CoupledController::CoupledController;
  [[nodiscard]] std::string_view name() const override { return "lia"; }

 private:
  [[nodiscard]] double growth_per_octet() const override;
};

// draft-khalili-mptcp-congestion-control-05, opportunistic linked increases: window moves from the paths
// with the largest ones to the best ones by loss and RTT.
class Olia final : public CoupledController {
 public:
  using CoupledController::CoupledController;
  [[nodiscard]] std::string_view name() const override { return "olia"; }

 private:
  [[nodiscard]] double growth_per_octet() const override;
};

// draft-walid-mptcp-congestion-control-04, balanced linked adaptation: between the two, in how friendly it
// is and how soon it answers.
class Balia final : public CoupledController {
 public:
  using CoupledController::CoupledController;
  [[nodiscard]] std::string_view name() const override { return "balia"; }

 private:
  [[nodiscard]] double growth_per_octet() const override;
  [[nodiscard]] std::uint64_t reduced_window() const override;
};

// CoupledController::memory() counts for all of them.
static_assert(sizeof(Lia) == sizeof(CoupledController) && sizeof(Olia) == sizeof(Lia) && sizeof(Balia) == sizeof(Lia));

}  // namespace hawser::quic
