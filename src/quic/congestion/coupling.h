// coupling.h: what couples the congestion controllers of the paths of one connection: who grows together,
// so that all of them take no more of a bottleneck that they share than one flow would (RFC 6356).
#pragma once

#include <expected>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "quic/congestion/newreno.h"
#include "quic/congestion/shared_bottleneck.h"

namespace hawser::quic {

class CouplingGroup;

// A controller whose growth looks at the other members of its group that share its bottleneck. Outside of
// a group it is NewReno. Slow start is not coupled (RFC 6356 section 3).
class CoupledController : public NewReno {
 public:
  // A path that filled its window within this time counts; an idle one takes nothing from the others.
  static constexpr Duration kBusyFor = 1s;

  explicit CoupledController(std::uint64_t max_datagram_size) : NewReno(max_datagram_size) {}
  CoupledController(const CoupledController&) = delete;
  CoupledController& operator=(const CoupledController&) = delete;
  ~CoupledController() override;

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void reset(std::uint64_t max_datagram_size) override;

  [[nodiscard]] std::size_t memory() const final {
    return sizeof(*this) + (statistics_ != nullptr ? sizeof(DelayStatistics) : 0);
  }
  [[nodiscard]] CoupledController* coupled() final { return this; }
  [[nodiscard]] CouplingGroup* group() const { return group_; }
  // Members with the same number grow together.
  [[nodiscard]] std::size_t bottleneck() const { return bottleneck_; }
  // It was found to pass the same bottleneck as another member (CouplingGroup::Couples::kSharing).
  [[nodiscard]] bool shares() const { return group_ != nullptr && bottleneck_ < kNoBottleneck; }

 protected:
  // What the algorithms take from one member.
  struct Share {
    double window = 0;  // octets
    double rtt = 0;     // seconds
    // Octets acknowledged between the latest two losses, or since the latest one if that is more.
    double between_losses = 0;
    [[nodiscard]] double rate() const { return window / rtt; }
  };
  [[nodiscard]] Share own() const;
  // Calls visit(share, is_own) for this controller and each that shares its bottleneck and is busy.
  template <class Visit>
  void for_each_share(Visit visit) const;

  // Octets of growth for each octet acknowledged: 1 / (window / datagram) for NewReno.
  [[nodiscard]] virtual double growth_per_octet() const = 0;

 private:
  friend class CouplingGroup;

  std::int64_t avoidance_growth(std::uint64_t acked) final;

  CouplingGroup* group_ = nullptr;
  std::size_t bottleneck_ = 0;
  std::size_t own_number_ = 0;                   // its bottleneck_ while it shares with nobody
  std::unique_ptr<DelayStatistics> statistics_;  // while the group looks for shared bottlenecks
  double grown_ = 0;                             // octets towards the next whole one
  Duration rtt_{0};                              // zero: no sample yet
  Timestamp now_ = Timestamp::min();
  Timestamp filled_at_ = Timestamp::min();  // when it last had its window full
  std::uint64_t acked_before_loss_ = 0;     // between the latest two losses
  std::uint64_t acked_since_loss_ = 0;
};

// The group of one connection. Controllers leave it when they end; it may end before them. One thread.
class CouplingGroup {
 public:
  enum class Couples : std::uint8_t {
    kAll,      // every member, as RFC 6356 does
    kSharing,  // those whose delays say that they share a bottleneck (RFC 8382); until they do, none
  };

  explicit CouplingGroup(Couples couples) : couples_(couples) {}
  CouplingGroup(const CouplingGroup&) = delete;
  CouplingGroup& operator=(const CouplingGroup&) = delete;
  ~CouplingGroup();

  void join(CoupledController& member);
  void leave(CoupledController& member);  // is one
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] std::span<CoupledController* const> members() const { return members_; }
  // True once after it came out otherwise who grows together with whom.
  bool take_regrouped() { return std::exchange(regrouped_, false); }
  // Octets of this object and of what it holds on the heap, without the members.
  [[nodiscard]] std::size_t memory() const { return sizeof(*this) + members_.capacity() * sizeof(members_[0]); }

 private:
  friend class CoupledController;

  // Once an interval of RFC 8382: closes it for all members, and groups them anew.
  void on_time(Timestamp now);

  std::vector<CoupledController*> members_;
  Couples couples_;
  std::size_t joined_ = 0;  // members so far
  bool regrouped_ = false;
  Timestamp interval_end_ = Timestamp::min();
};

template <class Visit>
void CoupledController::for_each_share(Visit visit) const {
  visit(own(), true);
  if (group_ == nullptr) return;
  for (const CoupledController* member : group_->members())
    if (member != this && member->bottleneck_ == bottleneck_ && member->rtt_ != Duration{0} &&
        member->filled_at_ + kBusyFor >= now_)
      visit(member->own(), false);
}

// `after` takes the place of `before` on its path: in the group too, if both are of the coupled kind.
void pass_on_coupling(CongestionController& before, CongestionController& after);

// `name` as make_congestion_controller() takes it. A coupled one ("balia", "lia", "olia") joins `group`,
// which must be the one of its connection; any other is on its own.
std::expected<std::unique_ptr<CongestionController>, ConfigError> make_path_controller(std::string_view name,
                                                                                       std::uint64_t max_datagram_size,
                                                                                       CouplingGroup& group);

}  // namespace hawser::quic
