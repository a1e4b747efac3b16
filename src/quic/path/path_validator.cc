// path_validator.cc: challenges with backoff, answers, and the end of waiting.
#include "quic/path/path_validator.h"

#include <algorithm>

#include "base/bytes.h"

namespace hawser::quic {

namespace {

constexpr std::uint8_t kTypePathChallenge = 0x1a;
constexpr std::uint8_t kTypePathResponse = 0x1b;
constexpr std::size_t kFrameSize = 9;

}  // namespace

// rfc9000:8.2.4-timer rfc9000:8.2.4-three-pto
void PathValidator::start(Timestamp now, Duration pto) {
  state_ = PathValidationState::kValidating;
  challenge_count_ = 0;
  interval_ = pto;
  next_challenge_ = now;
  deadline_ = now + pto * kTimeoutPtos;
}

// rfc9000:8.2.1-probe-rate
bool PathValidator::challenge_due(Timestamp now) const {
  return state_ == PathValidationState::kValidating && next_challenge_ <= now;
}

// rfc9000:8.2.1-unpredictable rfc9000:8.2.1-one-challenge
WriteResult PathValidator::write_challenge(PacketPayload& out, Random& random, Timestamp now) {
  if (out.room() < kFrameSize) return WriteResult::kPacketFull;
  PathChallengeData& data = challenges_[challenge_count_ % kMaxChallenges];
  random.fill(data);
  ++challenge_count_;
  out.u8(kTypePathChallenge);
  out.bytes(data);
  out.record({.kind = SentFrameKind::kPathChallenge});
  // RFC 9000 section 8.2.1: no more often than an Initial packet would be sent again.
  next_challenge_ = now + interval_;
  interval_ *= 2;
  return WriteResult::kDone;
}

void PathValidator::on_path_challenge(const PathChallengeData& data) {
  if (response_count_ == kMaxResponses) {
    std::move(responses_.begin() + 1, responses_.end(), responses_.begin());
    --response_count_;
  }
  responses_[response_count_++] = data;
}

// rfc9000:8.2.2-echo rfc9000:19.17-response rfc9000:8.2.2-one-response
WriteResult PathValidator::write_responses(PacketPayload& out) {
  std::size_t written = 0;
  for (; written != response_count_ && out.room() >= kFrameSize; ++written) {
    out.u8(kTypePathResponse);
    out.bytes(responses_[written]);
    out.record({.kind = SentFrameKind::kPathResponse});
  }
  std::move(responses_.begin() + static_cast<std::ptrdiff_t>(written),
            responses_.begin() + static_cast<std::ptrdiff_t>(response_count_), responses_.begin());
  response_count_ -= written;
  return response_count_ == 0 ? WriteResult::kDone : WriteResult::kPacketFull;
}

// rfc9000:8.2.2-other-path-accepted
bool PathValidator::on_path_response(const PathChallengeData& data) {
  if (state_ != PathValidationState::kValidating) return false;
  const std::size_t kept = std::min(challenge_count_, kMaxChallenges);
  bool matches = false;
  for (std::size_t i = 0; i < kept; ++i) matches |= equal_constant_time(challenges_[i], data);
  if (!matches) return false;
  state_ = PathValidationState::kValidated;
  return true;
}

Timestamp PathValidator::next_timeout() const {
  if (state_ != PathValidationState::kValidating) return kNever;
  return std::min(next_challenge_, deadline_);
}

bool PathValidator::on_timeout(Timestamp now) {
  if (state_ != PathValidationState::kValidating || now < deadline_) return false;
  state_ = PathValidationState::kFailed;
  return true;
}

}  // namespace hawser::quic
