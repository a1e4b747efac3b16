// transfer_plan.cc: seeds into sizes, endings and octets.
#include "sim/transfer_plan.h"

#include <algorithm>

#include "base/random.h"

namespace hawser::sim {
namespace {

// The octet at `offset`; changes with every bit of the offset below 2^24, so that octets out
// of place are seen.
std::uint8_t octet(std::uint64_t key, std::uint64_t offset) {
  return static_cast<std::uint8_t>(key + offset * 0x9d + (offset >> 8) * 0x35 + (offset >> 16) * 0x7b);
}

constexpr std::size_t kDatagramHeader = 9;  // number and sender

}  // namespace

std::uint64_t TransferPlan::key(quic::StreamId id, quic::Role sender) const {
  const std::uint64_t mixed = (seed_ ^ (id.value * 2 + (sender == quic::Role::kServer ? 1 : 0))) * 0x9e3779b97f4a7c15;
  return mixed ^ mixed >> 31;
}

DirectionPlan TransferPlan::direction(quic::StreamId id, quic::Role sender) const {
  SeededRandom random(key(id, sender));
  DirectionPlan plan;
  const std::uint64_t shape = random.below(8);
  if (shape == 0) {
    plan.size = 0;
  } else if (shape <= 2) {
    plan.size = random.below(100);
  } else {
    plan.size = random.below(options_.bytes_max + 1);
  }
  plan.size = std::max(plan.size, options_.bytes_min);
  const double ending = random.unit();
  if (ending < options_.reset_share) {
    plan.ending = Ending::kReset;
  } else if (ending < options_.reset_share + options_.stop_share) {
    plan.ending = Ending::kStop;
  }
  plan.ending_at = random.below(plan.size + 1);
  return plan;
}

void TransferPlan::fill(quic::StreamId id, quic::Role sender, std::uint64_t offset, MutableBytes out) const {
  const std::uint64_t k = key(id, sender);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = octet(k, offset + i);
}

bool TransferPlan::matches(quic::StreamId id, quic::Role sender, std::uint64_t offset, Bytes bytes) const {
  const std::uint64_t k = key(id, sender);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != octet(k, offset + i)) return false;
  return true;
}

std::size_t fill_datagram(std::uint64_t number, quic::Role sender, MutableBytes out) {
  const std::size_t size = std::min<std::size_t>(out.size(), kDatagramHeader + number % 700);
  for (std::size_t i = 0; i < size; ++i) out[i] = octet(number, i);
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i)
    out[i] = static_cast<std::uint8_t>(number >> (8 * i));
  if (size > 8) out[8] = static_cast<std::uint8_t>(sender);
  return size;
}

std::uint64_t number_of_datagram(Bytes payload) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number |= std::uint64_t{payload[i]} << (8 * i);
  return number;
}

bool is_datagram_of(quic::Role sender, Bytes payload) {
  if (payload.size() < kDatagramHeader || payload[8] != static_cast<std::uint8_t>(sender)) return false;
  const std::uint64_t number = number_of_datagram(payload);
  for (std::size_t i = kDatagramHeader; i < payload.size(); ++i)
    if (payload[i] != octet(number, i)) return false;
  return true;
}

}  // namespace hawser::sim
