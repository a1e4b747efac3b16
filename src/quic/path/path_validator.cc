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

// rfc9000:8.2.4-timer rfc9000:8.2.4-three-pto rfc9000:9.4-probe-timer
void PathValidator::start(Timestamp now, Duration pto, Duration interval, std::size_t at_once) {
  Work& work = provide_work();
  state_ = PathValidationState::kValidating;
  work.challenge_count = 0;
  work.at_once = at_once;
  work.interval = interval;
  work.next_challenge = now;
  work.deadline = now + pto * kTimeoutPtos;
}

void PathValidator::stop() {
  state_ = PathValidationState::kIdle;
  release_work();
}

void PathValidator::release_work() {
  if (state_ != PathValidationState::kValidating && !response_owed()) work_.reset();
}

// rfc9000:8.2.1-probe-rate
bool PathValidator::challenge_due(Timestamp now) const {
  return state_ == PathValidationState::kValidating && work_->next_challenge <= now;
}

// rfc9000:8.2.1-unpredictable rfc9000:8.2.1-one-challenge
WriteResult PathValidator::write_challenge(PacketPayload& out, Random& random, Timestamp now, bool expanded) {
  if (out.room() < kFrameSize) return WriteResult::kPacketFull;
  Work& work = *work_;
  Challenge& challenge = work.challenges[work.challenge_count % kMaxChallenges];
  random.fill(challenge.data);
  challenge.sent = now;
  challenge.expanded = expanded;
  ++work.challenge_count;
  out.u8(kTypePathChallenge);
  out.bytes(challenge.data);
  out.record({.kind = SentFrameKind::kPathChallenge});
  if (work.challenge_count < work.at_once) return WriteResult::kDone;
  // RFC 9000 section 8.2.1: no more often than an Initial packet would be sent again.
  work.next_challenge = now + work.interval;
  work.interval *= 2;
  return WriteResult::kDone;
}

void PathValidator::on_path_challenge(const PathChallengeData& data) {
  Work& work = provide_work();
  if (work.response_count == kMaxResponses) {
    std::move(work.responses.begin() + 1, work.responses.end(), work.responses.begin());
    --work.response_count;
  }
  work.responses[work.response_count++] = data;
}

// rfc9000:8.2.2-echo rfc9000:19.17-response rfc9000:8.2.2-one-response
WriteResult PathValidator::write_responses(PacketPayload& out) {
  if (!response_owed()) return WriteResult::kDone;
  Work& work = *work_;
  std::size_t written = 0;
  for (; written != work.response_count && out.room() >= kFrameSize; ++written) {
    out.u8(kTypePathResponse);
    out.bytes(work.responses[written]);
    out.record({.kind = SentFrameKind::kPathResponse});
  }
  std::move(work.responses.begin() + static_cast<std::ptrdiff_t>(written),
            work.responses.begin() + static_cast<std::ptrdiff_t>(work.response_count), work.responses.begin());
  work.response_count -= written;
  if (work.response_count != 0) return WriteResult::kPacketFull;
  release_work();
  return WriteResult::kDone;
}

// rfc9000:8.2.2-other-path-accepted
std::optional<PathProof> PathValidator::on_path_response(const PathChallengeData& data, Timestamp now) {
  if (state_ != PathValidationState::kValidating) return std::nullopt;
  const std::size_t kept = std::min(work_->challenge_count, kMaxChallenges);
  const Challenge* answered = nullptr;
  for (std::size_t i = 0; i < kept; ++i) {
    if (equal_constant_time(work_->challenges[i].data, data)) answered = &work_->challenges[i];
  }
  if (answered == nullptr) return std::nullopt;
  const PathProof proof{.round_trip = now - answered->sent, .carries_base_mtu = answered->expanded};
  state_ = PathValidationState::kValidated;
  release_work();
  return proof;
}

Timestamp PathValidator::next_timeout() const {
  if (state_ != PathValidationState::kValidating) return kNever;
  return std::min(work_->next_challenge, work_->deadline);
}

bool PathValidator::on_timeout(Timestamp now) {
  if (state_ != PathValidationState::kValidating || now < work_->deadline) return false;
  state_ = PathValidationState::kFailed;
  release_work();
  return true;
}

}  // namespace hawser::quic
