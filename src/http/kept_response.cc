// kept_response.cc: laying out a response once, and a new date in it each second.
#include "http/kept_response.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "base/varint.h"
#include "http/http_date.h"
#include "http3/frames.h"

namespace hawser::http {

struct KeptResponse::Lot final : ByteOwner {
  explicit Lot(std::vector<std::uint8_t> bytes) : octets(std::move(bytes)) {}
  std::vector<std::uint8_t> octets;
  std::int64_t second = 0;
};

KeptResponse::KeptResponse(std::uint16_t status, http3::FieldList fields, Bytes body)
    : status_(status), body_size_(body.size()) {
  std::array<char, 20> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), body.size()).ptr;
  std::vector<http3::Field> list(fields.begin(), fields.end());
  list.push_back({"content-length", {digits.data(), static_cast<std::size_t>(end - digits.data())}});
  const std::array<char, kHttpDateSize> no_date{};
  const auto head = http3::EncodedHead::response(status, list, {"date", {no_date.data(), no_date.size()}});
  if (!head) return;
  const Bytes frame = head->frame();
  std::vector<std::uint8_t> octets(frame.begin(), frame.end());
  date_at_ = octets.size() - kHttpDateSize;
  const std::size_t head_size = octets.size();
  if (!body.empty()) {
    http3::append_varint(octets, static_cast<std::uint64_t>(http3::FrameType::kData));
    http3::append_varint(octets, body.size());
  }
  body_at_ = octets.size();
  octets.insert(octets.end(), body.begin(), body.end());
  lots_[0] = new Lot(std::move(octets));
  message_ = {.octets = {},
              .head_size = head_size,
              .section_size = head->section_octets(),
              .field_section_size = head->field_section_size(),
              .body_size = body.size()};
}

KeptResponse::~KeptResponse() {
  for (Lot* const lot : lots_)
    if (lot != nullptr) lot->release();
}

const http3::EncodedMessage& KeptResponse::at(const WallClock& clock) {
  if (lots_[0]->second == clock.second) return message_;
  message_.octets = {};
  std::swap(lots_[0], lots_[1]);
  Lot*& lot = lots_[0];
  if (lot == nullptr || lot->is_shared()) {
    // Somebody still sends the octets of two seconds ago: they keep them, we take new ones.
    Lot* const fresh = new Lot(lots_[1]->octets);
    if (lot != nullptr) lot->release();
    lot = fresh;
  }
  lot->second = clock.second;
  std::memcpy(lot->octets.data() + date_at_, clock.date.data(), std::min(clock.date.size(), kHttpDateSize));
  lot->retain();
  message_.octets = SharedBytes(lot->octets, lot);
  return message_;
}

std::size_t KeptResponse::memory() const {
  return sizeof *this + 2 * (sizeof(Lot) + body_at_ + body_size_);
}

}  // namespace hawser::http
