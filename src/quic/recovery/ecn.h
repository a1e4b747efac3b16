// ecn.h: whether a network path carries ECN marks faithfully (RFC 9000 section 13.4.2 and
// appendix A.4). Marks are sent only while it is being tested or has proved capable.
#pragma once

#include <cstdint>
#include <optional>

#include "base/datagram.h"
#include "base/time.h"
#include "quic/wire/frames/ack.h"

namespace hawser::quic {

enum class EcnState : std::uint8_t { kTesting, kUnknown, kCapable, kFailed };

class EcnValidator {
 public:
  // Appendix A.4: mark the first ten packets or three PTOs, whichever ends first.
  static constexpr std::uint32_t kTestingPackets = 10;
  static constexpr int kTestingPtos = 3;

  // enabled == false: never mark. `codepoint` is kEct0, or kEct1 for an L4S controller.
  explicit EcnValidator(bool enabled = true, Ecn codepoint = Ecn::kEct0);

  // The mark of the next datagram on this path.
  [[nodiscard]] Ecn mark() const {
    return state_ == EcnState::kTesting || state_ == EcnState::kCapable ? codepoint_ : Ecn::kNotEct;
  }
  // `pto` is the current probe timeout of the path; it ends the testing period.
  void on_packet_sent(Ecn mark, Timestamp now, Duration pto);
  // Packets sent with a mark were declared lost.
  void on_packets_lost(std::uint64_t marked_packets);
  // An ACK of one packet number space that increased its largest acknowledged packet number;
  // others carry stale counts and must not be told (section 13.4.2.1). `newly_acked_*` count
  // packets sent with that mark which this ACK newly acknowledges; `counts` is empty for type
  // 0x02; `space_index` 0..2. Returns how many CE marks are new: a congestion signal.
  std::uint64_t on_ack(std::size_t space_index, std::uint64_t newly_acked_ect0, std::uint64_t newly_acked_ect1,
                       const std::optional<EcnCounts>& counts);
  // Another controller marks otherwise: what was learnt of the old mark does not hold for the new one.
  void set_codepoint(Ecn codepoint);
  // This network path takes over from `previous`: the counts are of the packet number spaces,
  // so they go on from there while the path itself is tested afresh.
  void inherit_counts(const EcnValidator& previous);

  [[nodiscard]] EcnState state() const { return state_; }

 private:
  bool counts_are_faithful(const EcnCounts& before, const EcnCounts& counts, std::uint64_t newly_acked_ect0,
                           std::uint64_t newly_acked_ect1) const;

  bool enabled_;
  Ecn codepoint_;
  EcnState state_;
  std::uint32_t sent_marked_ = 0;
  std::uint32_t lost_marked_ = 0;
  Timestamp testing_since_{};
  EcnCounts last_[3];             // by packet number space
  std::uint64_t total_ect0_ = 0;  // packets marked so far, over all spaces
  std::uint64_t total_ect1_ = 0;
};

}  // namespace hawser::quic
