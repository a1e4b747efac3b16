// qlog_summary.cc: counts and sums of events, and the lines that say them.
#include "qlog_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "qlog_values.h"

namespace hawser::app {
namespace {

std::uint64_t stream_octets(simdjson::dom::object data) {
  std::uint64_t sum = 0;
  for_each_stream_frame(data, [&sum](std::uint64_t, std::uint64_t, std::uint64_t octets) { sum += octets; });
  return sum;
}

double percent(double part, double whole) {
  return whole <= 0 ? 0.0 : 100.0 * part / whole;
}

}  // namespace

void QlogSummary::add_rtt(double rtt) {
  const std::uint64_t at = rtt_count_++;
  if (rtts_.size() < kRttSamplesMax) {
    rtts_.push_back(rtt);
    return;
  }
  const std::uint64_t slot = at * 0x9e3779b97f4a7c15u % rtt_count_;
  if (slot < kRttSamplesMax) rtts_[slot] = rtt;
}

void QlogSummary::end_state(double now_ms) {
  if (state_.empty()) return;
  if (states_.size() < kStatesMax || states_.contains(state_)) states_[state_] += now_ms - state_since_;
}

void QlogSummary::add(const QlogEvent& event) {
  first_ = std::min(first_, event.time_ms);
  last_ = std::max(last_, event.time_ms);
  const std::string_view name = event.event;
  if (name == "packet_sent") {
    ++sent_;
    sent_octets_ += qlog_packet_octets(event.data);
    stream_sent_ += stream_octets(event.data);
  } else if (name == "packet_received") {
    ++received_;
    received_octets_ += qlog_packet_octets(event.data);
    stream_received_ += stream_octets(event.data);
  } else if (name == "stream_data_blocked_updated") {
    streams_blocked_ += qlog_word(event.data, "new") == "blocked" ? 1 : 0;
  } else {
    add_recovery(event);
    add_connection(event);
  }
  if (const auto stall = stall_.add(event)) stalls_.add(*stall);
}

void QlogSummary::add_recovery(const QlogEvent& event) {
  const std::string_view name = event.event;
  double value = 0;
  if (name == "packet_lost") {
    ++lost_;
  } else if (name == "marked_for_retransmit") {
    resent_octets_ += stream_octets(event.data);
  } else if (name == "recovery_metrics_updated" || name == "metrics_updated") {
    if (event.data["latest_rtt"].get(value) == simdjson::SUCCESS && value > 0) add_rtt(value);
  } else if (name == "congestion_state_updated") {
    end_state(event.time_ms);
    state_ = qlog_word(event.data, "new");
    state_since_ = event.time_ms;
  }
}

void QlogSummary::add_connection(const QlogEvent& event) {
  const std::string_view name = event.event;
  if (name == "connection_state_updated") {
    if (qlog_word(event.data, "new") == "handshake_complete") handshake_ = event.time_ms - first_;
  } else if (name == "version_information") {
    version_ = qlog_word(event.data, "chosen_version");
  } else if (name == "alpn_information") {
    std::string_view alpn_text;
    if (event.data["chosen_alpn"]["string_value"].get(alpn_text) == simdjson::SUCCESS) alpn_ = alpn_text;
    if (event.data["chosen_alpn"].get(alpn_text) == simdjson::SUCCESS) alpn_ = alpn_text;  // qlog 0.3
  } else if (name == "connection_closed") {
    close_ = qlog_word(event.data, "trigger");
    for (const char* field : {"connection_error", "application_error", "reason"})
      if (const std::string_view text = qlog_word(event.data, field); !text.empty())
        close_.append(close_.empty() ? "" : ", ").append(text);
  }
}

void QlogSummary::write_traffic(std::string& out, double duration_ms) const {
  const auto mbit = [duration_ms](std::uint64_t octets) {
    return duration_ms > 0 ? static_cast<double>(octets) * 8 / duration_ms / 1e3 : 0.0;
  };
  const auto line = [&](const char* what, std::uint64_t packets, std::uint64_t octets, std::uint64_t stream) {
    fmt::format_to(std::back_inserter(out), "  {:<12} {} packets, {} octets, stream data {:.3f} Mbit/s\n", what,
                   packets, octets, mbit(stream));
  };
  line("sent", sent_, sent_octets_, stream_sent_);
  line("received", received_, received_octets_, stream_received_);
  fmt::format_to(std::back_inserter(out),
                 "  lost         {} packets ({:.2f} %), {:.2f} % of the stream data marked to be sent again\n", lost_,
                 percent(static_cast<double>(lost_), static_cast<double>(sent_)),
                 percent(static_cast<double>(resent_octets_), static_cast<double>(stream_sent_)));
}

// What kept the sender from sending, the longest first.
void QlogSummary::write_stalls(std::string& out, double duration_ms) const {
  if (!stall_.is_known()) {
    out += "  held back    not in this file: it has no connection_data_blocked_updated\n";
    return;
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < kStallReasons; ++i)
    if (stalls_.sums[i].count > 0) order.push_back(i);
  std::ranges::stable_sort(order, std::greater{}, [this](std::size_t i) { return stalls_.sums[i].total_ms; });
  for (const std::size_t i : order) {
    const StallSums::Sum& sum = stalls_.sums[i];
    fmt::format_to(std::back_inserter(out), "  held back by {} for {:.3f} ms ({:.1f} %), {} times, longest {:.3f} ms\n",
                   stall_text(static_cast<StallReason>(i)), sum.total_ms, percent(sum.total_ms, duration_ms), sum.count,
                   sum.longest_ms);
  }
  if (streams_blocked_ > 0)
    fmt::format_to(std::back_inserter(out), "  streams      ran into their flow control limit {} times\n",
                   streams_blocked_);
}

std::string QlogSummary::text() {
  std::string out;
  const double duration = std::max(0.0, last_ - first_);
  if (const auto stall = stall_.rest(last_)) stalls_.add(*stall);
  end_state(last_);
  state_.clear();
  fmt::format_to(std::back_inserter(out), "  version      {}, ALPN {}\n", version_.empty() ? "unknown" : version_,
                 alpn_.empty() ? "unknown" : alpn_);
  if (handshake_ >= 0) fmt::format_to(std::back_inserter(out), "  handshake    {:.3f} ms\n", handshake_);
  fmt::format_to(std::back_inserter(out), "  duration     {:.3f} ms\n", duration);
  write_traffic(out, duration);
  if (!rtts_.empty()) {
    std::sort(rtts_.begin(), rtts_.end());
    fmt::format_to(std::back_inserter(out), "  round trip   min {:.3f}, median {:.3f}, 99th percentile {:.3f} ms\n",
                   rtts_.front(), rtts_[rtts_.size() / 2], rtts_[(rtts_.size() * 99 + 99) / 100 - 1]);
  }
  write_stalls(out, duration);
  for (const auto& [name, ms] : states_)
    fmt::format_to(std::back_inserter(out), "  congestion   {} for {:.3f} ms\n", name, ms);
  fmt::format_to(std::back_inserter(out), "  closed       {}\n", close_.empty() ? "not in this file" : close_);
  return out;
}

}  // namespace hawser::app
