// version_preference.cc: reads lists of versions as people write them.
#include "quic/wire/version_preference.h"

#include <string>

namespace hawser::quic {
namespace {

struct NamedVersion {
  std::string_view name;
  Version version;
};

constexpr std::array kNames{
    NamedVersion{"1", Version::kV1},
    NamedVersion{"2", Version::kV2},
    NamedVersion{"2-draft", Version::kV2Draft},
};
static_assert(kNames.size() == kVersionTraits.size());

}  // namespace

std::string_view version_name(Version version) {
  for (const NamedVersion& row : kNames)
    if (row.version == version) return row.name;
  return "unknown";
}

std::expected<Version, ConfigError> parse_version(std::string_view text) {
  for (const NamedVersion& row : kNames)
    if (row.name == text) return row.version;
  return std::unexpected(ConfigError{"QUIC version \"" + std::string(text) + "\": give 1, 2 or 2-draft"});
}

std::expected<VersionPreference, ConfigError> VersionPreference::parse(std::string_view text) {
  HAWSER_TRY(const Version first, parse_version(text.substr(0, text.find(','))));
  VersionPreference versions{first};
  for (std::size_t comma = text.find(','); comma != std::string_view::npos; comma = text.find(',', comma + 1)) {
    const std::size_t end = text.find(',', comma + 1);
    HAWSER_TRY(const Version next,
               parse_version(text.substr(comma + 1, end == std::string_view::npos ? end : end - comma - 1)));
    if (versions.contains(next))
      return std::unexpected(ConfigError{"QUIC version " + std::string(version_name(next)) + " is named twice"});
    versions.versions_[versions.count_++] = next;
  }
  return versions;
}

}  // namespace hawser::quic
