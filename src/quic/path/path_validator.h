// path_validator.h: proves that the peer receives what is sent on a network path
// (RFC 9000 section 8.2), and answers its challenges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

using PathChallengeData = std::array<std::uint8_t, 8>;

enum class PathValidationState : std::uint8_t { kIdle, kValidating, kValidated, kFailed };

// What a PATH_RESPONSE that matched has shown.
struct PathProof {
  Duration round_trip{};  // from the challenge to its answer; no RTT sample, but a first guess
  // The challenge went in a datagram of 1,200 octets: the path carries that. Otherwise it has to be
  // asked again (section 8.2.1).
  bool carries_base_mtu = true;
};

class PathValidator {
 public:
  // Challenges in flight whose answers are accepted: with backoff doubling from one PTO, a validation of 3 PTOs sends
  // 2, and from a tenth of it 5, of which the first is over when the last is sent.
  static constexpr std::size_t kMaxChallenges = 4;
  // Answers owed at once. A peer that sends more challenges than this between two of our
  // packets loses the oldest; it resends (section 8.2.1).
  static constexpr std::size_t kMaxResponses = 4;
  static constexpr int kTimeoutPtos = 3;  // section 8.2.4
  // Of a path to be opened: challenges at once, so that one may be lost. A ClientHello takes as many Initial packets.
  static constexpr std::size_t kChallengesToOpen = 2;

  // Begins (or begins again). `pto` is the larger of the current and the initial PTO; a challenge is sent again after
  // `interval`, doubling. `at_once`: so many are sent first, a datagram each.
  void start(Timestamp now, Duration pto, Duration interval, std::size_t at_once = 1);
  void start(Timestamp now, Duration pto) { start(now, pto, pto); }
  void stop();

  // A PATH_CHALLENGE is to be sent now.
  [[nodiscard]] bool challenge_due(Timestamp now) const;
  // Writes and records PATH_CHALLENGE. The datagram must be expanded to 1,200 octets unless
  // the anti-amplification limit forbids it (section 8.2.1): `expanded` says which.
  WriteResult write_challenge(PacketPayload& out, Random& random, Timestamp now, bool expanded = true);

  // The peer's PATH_CHALLENGE, to be answered on the network path it came on.
  void on_path_challenge(const PathChallengeData& data);
  [[nodiscard]] bool response_owed() const { return work_ != nullptr && work_->response_count != 0; }
  // Writes as many PATH_RESPONSE frames as fit; the datagram is expanded likewise.
  WriteResult write_responses(PacketPayload& out);

  // The peer's PATH_RESPONSE, on any path. What it proves if it matches and thereby validates.
  std::optional<PathProof> on_path_response(const PathChallengeData& data, Timestamp now);

  // The next resend, or the failure of the validation; kNever when idle.
  [[nodiscard]] Timestamp next_timeout() const;
  // When the validation fails; kNever when idle.
  [[nodiscard]] Timestamp deadline() const {
    return state_ == PathValidationState::kValidating ? work_->deadline : kNever;
  }
  // True if the validation failed just now.
  bool on_timeout(Timestamp now);

  [[nodiscard]] PathValidationState state() const { return state_; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return work_ == nullptr ? 0 : sizeof(Work); }

 private:
  struct Challenge {
    PathChallengeData data{};
    Timestamp sent{};
    bool expanded = true;
  };
  // Exists while anything is asked or answered: most network paths never do after the first moment.
  struct Work {
    std::array<Challenge, kMaxChallenges> challenges{};
    std::size_t challenge_count = 0;  // sent since start; the newest kMaxChallenges are kept
    std::size_t at_once = 1;
    std::array<PathChallengeData, kMaxResponses> responses{};
    std::size_t response_count = 0;
    Timestamp next_challenge = kNever;
    Timestamp deadline = kNever;
    Duration interval{};
  };
  Work& provide_work() {
    if (work_ == nullptr) work_ = std::make_unique<Work>();
    return *work_;
  }
  void release_work();

  std::unique_ptr<Work> work_;
  PathValidationState state_ = PathValidationState::kIdle;
};

}  // namespace hawser::quic
