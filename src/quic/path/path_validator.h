// path_validator.h: proves that the peer receives what is sent on a network path
// (RFC 9000 section 8.2), and answers its challenges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/random.h"
#include "base/time.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

using PathChallengeData = std::array<std::uint8_t, 8>;

enum class PathValidationState : std::uint8_t { kIdle, kValidating, kValidated, kFailed };

class PathValidator {
 public:
  // Challenges in flight whose answers are accepted: with backoff doubling from one PTO,
  // a validation of 3 PTOs sends 2; the rest serves restarts.
  static constexpr std::size_t kMaxChallenges = 4;
  // Answers owed at once. A peer that sends more challenges than this between two of our
  // packets loses the oldest; it resends (section 8.2.1).
  static constexpr std::size_t kMaxResponses = 4;
  static constexpr int kTimeoutPtos = 3;  // section 8.2.4

  // Begins (or begins again). `pto` is the larger of the current and the initial PTO.
  void start(Timestamp now, Duration pto);
  void stop() { state_ = PathValidationState::kIdle; }

  // A PATH_CHALLENGE is to be sent now.
  [[nodiscard]] bool challenge_due(Timestamp now) const;
  // Writes and records PATH_CHALLENGE. The datagram must be expanded to 1,200 octets unless
  // the anti-amplification limit forbids it (section 8.2.1).
  WriteResult write_challenge(PacketPayload& out, Random& random, Timestamp now);

  // The peer's PATH_CHALLENGE, to be answered on the network path it came on.
  void on_path_challenge(const PathChallengeData& data);
  [[nodiscard]] bool response_owed() const { return response_count_ != 0; }
  // Writes as many PATH_RESPONSE frames as fit; the datagram is expanded likewise.
  WriteResult write_responses(PacketPayload& out);

  // The peer's PATH_RESPONSE, on any path. True if it matches and thereby validates.
  bool on_path_response(const PathChallengeData& data);

  // The next resend, or the failure of the validation; kNever when idle.
  [[nodiscard]] Timestamp next_timeout() const;
  // When the validation fails; kNever when idle.
  [[nodiscard]] Timestamp deadline() const { return state_ == PathValidationState::kValidating ? deadline_ : kNever; }
  // True if the validation failed just now.
  bool on_timeout(Timestamp now);

  [[nodiscard]] PathValidationState state() const { return state_; }

 private:
  PathValidationState state_ = PathValidationState::kIdle;
  std::array<PathChallengeData, kMaxChallenges> challenges_{};
  std::size_t challenge_count_ = 0;  // sent since start; the newest kMaxChallenges are kept
  std::array<PathChallengeData, kMaxResponses> responses_{};
  std::size_t response_count_ = 0;
  Timestamp next_challenge_ = kNever;
  Timestamp deadline_ = kNever;
  Duration interval_{};
};

}  // namespace hawser::quic
