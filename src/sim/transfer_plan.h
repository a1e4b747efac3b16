// transfer_plan.h: what each direction of each stream carries, as a function of a seed, so
// that a receiver can check every octet without having been told.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "quic/wire/types.h"
#include "sim/setup.h"

namespace hawser::sim {

enum class Ending : std::uint8_t {
  kFin,    // all of it arrives
  kReset,  // the sender resets once it has written `ending_at` octets
  kStop,   // the receiver sends STOP_SENDING once it has read `ending_at` octets
};

// The application error codes that go with them.
inline constexpr quic::ApplicationErrorCode kResetCode = 0x51;
inline constexpr quic::ApplicationErrorCode kResetAtCode = 0x53;  // half of what was written still arrives
inline constexpr quic::ApplicationErrorCode kStopCode = 0x52;
inline constexpr quic::ApplicationErrorCode kDoneCode = 0x53;
inline constexpr quic::ApplicationErrorCode kEarlyCloseCode = 0x54;

struct DirectionPlan {
  std::uint64_t size = 0;
  Ending ending = Ending::kFin;
  std::uint64_t ending_at = 0;  // <= size
};

class TransferPlan {
 public:
  TransferPlan(std::uint64_t seed, TransferOptions options) : seed_(seed), options_(options) {}

  // The octets that `sender` puts on stream `id`.
  [[nodiscard]] DirectionPlan direction(quic::StreamId id, quic::Role sender) const;
  void fill(quic::StreamId id, quic::Role sender, std::uint64_t offset, MutableBytes out) const;
  // True if `bytes` are what stands at `offset`.
  [[nodiscard]] bool matches(quic::StreamId id, quic::Role sender, std::uint64_t offset, Bytes bytes) const;

 private:
  [[nodiscard]] std::uint64_t key(quic::StreamId id, quic::Role sender) const;

  std::uint64_t seed_;
  TransferOptions options_;
};

// A DATAGRAM payload that says which it is and can be checked: never empty.
std::size_t fill_datagram(std::uint64_t number, quic::Role sender, MutableBytes out);
bool is_datagram_of(quic::Role sender, Bytes payload);
// Of one for which is_datagram_of() holds.
std::uint64_t number_of_datagram(Bytes payload);

}  // namespace hawser::sim
