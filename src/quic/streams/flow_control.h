// flow_control.h: the two halves of RFC 9000 section 4 as values: the window we grant,
// which tunes itself to the path, and the credit the peer granted us.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace hawser::quic {

// A receive window: how far beyond what the reader has consumed the peer may send. Used
// per stream and once per connection. All figures are octets.
class ReceiveWindow {
 public:
  ReceiveWindow() = default;
  // `initial` is what the transport parameters granted; the window never grows past `cap`.
  ReceiveWindow(std::uint64_t initial, std::uint64_t cap)
      : window_(initial), cap_(std::max(initial, cap)), limit_(initial) {
    tune_after(0);
  }

  void on_consumed(std::uint64_t octets) { consumed_ += octets; }

  // The limit is renewed when a quarter of the window is used up: rarely enough to cost nothing, and early enough that
  // a sender does not stall when the reader next waits for a lost packet, which holds back all that came after it.
  [[nodiscard]] bool wants_update() const { return consumed_ + window_ - limit_ >= (window_ + 3) / 4 && window_ > 0; }
  // Whether an update now would grant anything at all; for a peer that says it is blocked.
  [[nodiscard]] bool can_update() const { return consumed_ + window_ > limit_; }

  // The limit to advertise now; remembered as advertised.
  std::uint64_t renew() {
    limit_ = std::max(limit_, consumed_ + window_);
    return limit_;
  }

  // Whether an eighth of the window was moved since tune() last looked; for a window that can grow. `moved`: octets
  // so far, either that came or that were consumed.
  [[nodiscard]] bool wants_tuning(std::uint64_t moved) const { return moved >= tune_at_; }
  // If an eighth was moved within a round trip, and the reader keeps up, the window doubles, to between eight and
  // sixteen times what the path moves in one: one is on the way, one until the sender hears of the credit, and up to
  // four wait unread behind a packet that was lost, and lost again; and a round trip is twice as long once a sender has
  // filled the path's queue. If an eighth took no more than a quarter of a round trip, it grows fourfold: a sender that
  // doubles each round is not held up meanwhile. True if it grew.
  bool tune(std::uint64_t moved, Timestamp now, Duration rtt, bool keeps_up = true) {
    if (!wants_tuning(moved)) return false;
    const bool grows = keeps_up && epoch_start_ != kNever && now - epoch_start_ <= rtt;
    if (grows) window_ = std::min(cap_, window_ * (4 * (now - epoch_start_) <= rtt ? 4 : 2));
    epoch_start_ = now;
    tune_after(moved);
    return grows;
  }

  // Goes on where another left off, with tuning started afresh.
  void resume(std::uint64_t window, std::uint64_t limit, std::uint64_t consumed) {
    window_ = window;
    cap_ = std::max(cap_, window);
    limit_ = limit;
    consumed_ = consumed;
    epoch_start_ = kNever;
    tune_after(consumed);
  }

  // Keeps the window at least this large (within the cap): the connection's follows its streams'.
  void widen(std::uint64_t window) { window_ = std::max(window_, std::min(window, cap_)); }

  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  [[nodiscard]] std::uint64_t window() const { return window_; }
  [[nodiscard]] std::uint64_t consumed() const { return consumed_; }

 private:
  void tune_after(std::uint64_t moved) { tune_at_ = window_ < cap_ ? moved + window_ / 8 : UINT64_MAX; }

  std::uint64_t window_ = 0;
  std::uint64_t cap_ = 0;
  std::uint64_t limit_ = 0;  // advertised; never decreases
  std::uint64_t consumed_ = 0;
  std::uint64_t tune_at_ = UINT64_MAX;  // never for a window that cannot grow
  Timestamp epoch_start_ = kNever;
};

// What the peer lets us send: new octets only, retransmissions are free.
class SendCredit {
 public:
  // True if the limit rose. Lower limits are out of date and ignored (RFC 9000 section 4.1).
  bool on_limit(std::uint64_t limit) {
    if (limit <= limit_) return false;
    limit_ = limit;
    return true;
  }
  void use(std::uint64_t octets) { used_ += octets; }
  void reset() { *this = {}; }

  // True once per limit: the *_BLOCKED frame for it is to be sent (RFC 9000 section 4.1).
  bool take_blocked_notice() {
    if (used_ < limit_ || blocked_noticed_ == limit_ + 1) return false;
    blocked_noticed_ = limit_ + 1;
    return true;
  }

  [[nodiscard]] std::uint64_t available() const { return limit_ > used_ ? limit_ - used_ : 0; }
  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  std::uint64_t limit_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t blocked_noticed_ = 0;  // the limit last reported, plus 1
};

}  // namespace hawser::quic
