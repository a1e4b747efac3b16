// coupling.cc: membership, and what each member tells of itself.
#include "quic/congestion/coupling.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "quic/congestion/coupled_controllers.h"

namespace hawser::quic {

CoupledController::~CoupledController() {
  if (group_ != nullptr) group_->leave(*this);
}

void CoupledController::reset(std::uint64_t max_datagram_size) {
  NewReno::reset(max_datagram_size);
  grown_ = 0;
  rtt_ = Duration{0};
  filled_at_ = Timestamp::min();
  acked_before_loss_ = acked_since_loss_ = 0;
  if (statistics_ != nullptr) *statistics_ = {};
}

void CoupledController::on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) {
  if (statistics_ != nullptr) statistics_->on_packet_sent();
  NewReno::on_packet_sent(bytes, bytes_in_flight, now);
}

void CoupledController::on_ack(const AckEvent& event) {
  now_ = event.now;
  rtt_ = event.smoothed_rtt;
  if (!event.app_limited) filled_at_ = event.now;
  acked_since_loss_ += event.acked_bytes;
  if (group_ != nullptr && statistics_ != nullptr) {
    if (event.latest_rtt) statistics_->on_delay(*event.latest_rtt);
    group_->on_time(event.now);
  }
  NewReno::on_ack(event);
}

void CoupledController::on_loss(const LossEvent& event) {
  if (statistics_ != nullptr) statistics_->on_packets_lost(event.lost_packets);
  const Timestamp before = recovery_start_time();
  NewReno::on_loss(event);
  if (recovery_start_time() == before) return;
  acked_before_loss_ = acked_since_loss_;
  acked_since_loss_ = 0;
}

CoupledController::Share CoupledController::own() const {
  // Nobody grows before it has a sample; a second then stands for any RTT.
  return {.window = static_cast<double>(window()),
          .rtt = rtt_ > Duration{0} ? to_seconds(rtt_) : 1,
          .between_losses = static_cast<double>(std::max(acked_before_loss_, acked_since_loss_))};
}

std::int64_t CoupledController::avoidance_growth(std::uint64_t acked) {
  grown_ += static_cast<double>(acked) * growth_per_octet();
  const double whole = std::trunc(grown_);
  grown_ -= whole;
  return static_cast<std::int64_t>(whole);
}

CouplingGroup::~CouplingGroup() {
  for (CoupledController* member : members_) member->group_ = nullptr;
}

void CouplingGroup::join(CoupledController& member) {
  if (member.group_ != nullptr) member.group_->leave(member);
  members_.push_back(&member);
  member.group_ = this;
  member.bottleneck_ = 0;
  if (couples_ != Couples::kSharing) return;
  member.statistics_ = std::make_unique<DelayStatistics>();
  member.bottleneck_ = member.own_number_ = kNoBottleneck + ++joined_;
}

void CouplingGroup::leave(CoupledController& member) {
  std::erase(members_, &member);
  member.group_ = nullptr;
  member.statistics_.reset();
}

void CouplingGroup::on_time(Timestamp now) {
  if (now < interval_end_) return;
  const bool first = interval_end_ == Timestamp::min();
  interval_end_ = now + kDelayInterval;
  if (first) return;
  std::array<DelayStatistics*, kMaxGrouped> statistics{};
  std::array<std::size_t, kMaxGrouped> groups{};
  const std::size_t count = std::min(members_.size(), kMaxGrouped);
  for (std::size_t i = 0; i < count; ++i) {
    statistics[i] = members_[i]->statistics_.get();
    statistics[i]->end_interval();
  }
  group_by_bottleneck({statistics.data(), count}, {groups.data(), count});
  // A number of its own for whoever shares with nobody, and for those beyond the limit.
  const std::span<const std::size_t> found{groups.data(), count};
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const bool shares = i < count && groups[i] != kNoBottleneck && std::ranges::count(found, groups[i]) > 1;
    CoupledController& member = *members_[i];
    const std::size_t before = std::exchange(member.bottleneck_, shares ? groups[i] : member.own_number_);
    regrouped_ |= before != member.bottleneck_;
  }
}

void pass_on_coupling(CongestionController& before, CongestionController& after) {
  CoupledController* const member = before.coupled();
  if (member == nullptr || member->group() == nullptr) return;
  CouplingGroup& group = *member->group();
  group.leave(*member);
  if (after.coupled() != nullptr) group.join(*after.coupled());
}

std::expected<std::unique_ptr<CongestionController>, ConfigError> make_path_controller(std::string_view name,
                                                                                       std::uint64_t max_datagram_size,
                                                                                       CouplingGroup& group) {
  std::unique_ptr<CoupledController> coupled;
  if (name == "lia") coupled = std::make_unique<Lia>(max_datagram_size);
  if (name == "olia") coupled = std::make_unique<Olia>(max_datagram_size);
  if (name == "balia") coupled = std::make_unique<Balia>(max_datagram_size);
  if (coupled == nullptr) return make_congestion_controller(name, max_datagram_size);
  group.join(*coupled);
  return coupled;
}

}  // namespace hawser::quic
