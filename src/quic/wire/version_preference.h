// version_preference.h: which QUIC versions an endpoint is willing to speak, in order, and how
// people write them: "1", "2", "2-draft".
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/result.h"
#include "quic/wire/types.h"
#include "quic/wire/version_traits.h"

namespace hawser::quic {

// The preferred version first, none twice; at least one.
class VersionPreference {
 public:
  // As many as hawser can speak at all.
  static constexpr std::size_t kMax = kVersionTraits.size();

  constexpr VersionPreference(std::initializer_list<Version> versions) {
    HAWSER_CHECK(versions.size() >= 1 && versions.size() <= kMax);
    for (const Version version : versions) {
      HAWSER_CHECK(traits_of(version) != nullptr && !contains(version));
      versions_[count_++] = version;
    }
  }

  bool operator==(const VersionPreference&) const = default;
  [[nodiscard]] std::span<const Version> view() const { return {versions_.data(), count_}; }
  [[nodiscard]] constexpr bool contains(Version version) const {
    return std::find(versions_.begin(), versions_.begin() + count_, version) != versions_.begin() + count_;
  }
  [[nodiscard]] Version preferred() const { return versions_[0]; }
  // Of a client's first packet: the version that a server is most likely to speak, which is the
  // oldest (RFC 9368 section 5). What the client prefers is agreed on without a round trip. rfc9368:2.5-avoid
  [[nodiscard]] Version first_flight() const { return contains(Version::kV1) ? Version::kV1 : preferred(); }

  // "2,1": versions joined by commas. The error says what may be written.
  static std::expected<VersionPreference, ConfigError> parse(std::string_view text);

 private:
  std::array<Version, kMax> versions_{};
  std::size_t count_ = 0;
};

// "1", "2", "2-draft"; "unknown" for a version that hawser does not speak.
std::string_view version_name(Version version);
std::expected<Version, ConfigError> parse_version(std::string_view text);

}  // namespace hawser::quic
