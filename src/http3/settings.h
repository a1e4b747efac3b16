// settings.h: the SETTINGS frame (RFC 9114 section 7.2.4) and its registered identifiers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/varint.h"
#include "http3/error.h"

namespace hawser::http3 {

// Unidirectional streams that a peer must be allowed to open (RFC 9114 section 6.2): its control stream and
// two of QPACK.
inline constexpr std::uint64_t kPeerStreamsMin = 3;

enum class SettingId : std::uint64_t {
  kQpackMaxTableCapacity = 0x01,
  kMaxFieldSectionSize = 0x06,
  kQpackBlockedStreams = 0x07,
  kEnableConnectProtocol = 0x08,  // RFC 9220
  kH3Datagram = 0x33,             // RFC 9297
};

struct UnknownSetting {
  std::uint64_t id = 0;
  std::uint64_t value = 0;

  bool operator==(const UnknownSetting&) const = default;
};

// The values of one endpoint. The defaults are what an absent identifier means.
struct Settings {
  std::uint64_t qpack_max_table_capacity = 0;  // octets
  std::uint64_t qpack_blocked_streams = 0;
  std::uint64_t max_field_section_size = kVarintMax;  // octets; the default is "no limit"
  bool enable_connect_protocol = false;
  bool h3_datagram = false;
  // Settings of protocols above (WebTransport and others), in the order they came.
  std::vector<UnknownSetting> others;

  // The value of one of `others`; 0 if absent.
  [[nodiscard]] std::uint64_t other(std::uint64_t id) const;
};

// Octets of a SETTINGS payload accepted. Sixteen octets hold the longest setting, so this
// is room for 128 of them; past it: H3_EXCESSIVE_LOAD.
inline constexpr std::size_t kSettingsPayloadMax = 2'048;
// Settings in one frame; past it: H3_EXCESSIVE_LOAD. Duplicates are looked for pairwise, so
// the bound keeps that below 64 * 63 / 2 = 2,016 comparisons.
inline constexpr std::size_t kSettingsCountMax = 64;

// Reads a whole payload. H3_SETTINGS_ERROR for an identifier of HTTP/2, a duplicate or a
// value out of range; H3_FRAME_ERROR for a payload that ends inside a setting.
Result<Settings> parse_settings(Bytes payload);

// Appends the payload of a SETTINGS frame, which parse_settings() reads: for keeping it.
void append_settings_payload(std::vector<std::uint8_t>& out, const Settings& settings);

// RFC 9114 section 7.2.4.2: whether a server that accepted 0-RTT under the settings `remembered`
// may say `now`. A table of the QPACK decoder that was there stays as large (RFC 9204 section 3.2.3).
bool settings_permit_zero_rtt(const Settings& remembered, const Settings& now);

// Appends a whole SETTINGS frame. `grease`: 0, or a reserved identifier to add (RFC 9114
// section 7.2.4.1).
void append_settings_frame(std::vector<std::uint8_t>& out, const Settings& settings, std::uint64_t grease);

}  // namespace hawser::http3
