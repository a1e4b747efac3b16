// settings.cc: reading and writing SETTINGS.
#include "http3/settings.h"

#include <array>

#include "base/reader.h"
#include "http3/frames.h"

namespace hawser::http3 {

namespace {

// RFC 9114 sections 7.2.4.1 and 11.2.2: identifiers of HTTP/2 that have no meaning here.
constexpr bool is_http2_setting(std::uint64_t id) {
  return id == 0x00 || (id >= 0x02 && id <= 0x05);
}

Result<bool> flag_of(std::uint64_t value, std::string_view fault) {
  if (value > 1) return fail(ErrorCode::kSettingsError, fault);
  return value == 1;
}

Result<void> apply(Settings& settings, std::uint64_t id, std::uint64_t value) {
  switch (static_cast<SettingId>(id)) {
    case SettingId::kQpackMaxTableCapacity:
      settings.qpack_max_table_capacity = value;
      return {};
    case SettingId::kMaxFieldSectionSize:
      settings.max_field_section_size = value;
      return {};
    case SettingId::kQpackBlockedStreams:
      settings.qpack_blocked_streams = value;
      return {};
    case SettingId::kEnableConnectProtocol: {
      const auto flag = flag_of(value, "SETTINGS_ENABLE_CONNECT_PROTOCOL above 1");
      if (!flag) return std::unexpected(flag.error());
      settings.enable_connect_protocol = *flag;
      return {};
    }
    case SettingId::kH3Datagram: {
      const auto flag = flag_of(value, "SETTINGS_H3_DATAGRAM above 1");
      if (!flag) return std::unexpected(flag.error());
      settings.h3_datagram = *flag;
      return {};
    }
  }
  if (!is_reserved_value(id)) settings.others.push_back({id, value});
  return {};
}

void append_setting(std::vector<std::uint8_t>& out, std::uint64_t id, std::uint64_t value) {
  append_varint(out, id);
  append_varint(out, value);
}

}  // namespace

std::uint64_t Settings::other(std::uint64_t id) const {
  for (const UnknownSetting& setting : others) {
    if (setting.id == id) return setting.value;
  }
  return 0;
}

Result<Settings> parse_settings(Bytes payload) {
  Settings settings;
  std::array<std::uint64_t, kSettingsCountMax> seen;
  std::size_t count = 0;
  Reader in(payload);
  while (!in.empty()) {
    std::uint64_t id = 0;
    std::uint64_t value = 0;
    if (!in.varint(id) || !in.varint(value)) return fail(ErrorCode::kFrameError, "SETTINGS ends inside a setting");
    // rfc9114:7.2.4.1-http2
    if (is_http2_setting(id)) return fail(ErrorCode::kSettingsError, "a setting of HTTP/2");
    for (std::size_t i = 0; i < count; ++i) {
      // rfc9114:7.2.4-once
      if (seen[i] == id) return fail(ErrorCode::kSettingsError, "a setting appears twice");
    }
    if (count == seen.size()) return fail(ErrorCode::kExcessiveLoad, "too many settings");
    seen[count++] = id;
    if (const auto applied = apply(settings, id, value); !applied) return std::unexpected(applied.error());
  }
  return settings;
}

void append_settings_payload(std::vector<std::uint8_t>& out, const Settings& settings) {
  const auto add = [&out](SettingId id, std::uint64_t value) {
    append_setting(out, static_cast<std::uint64_t>(id), value);
  };
  // Values that equal the default say nothing and are left out.
  if (settings.qpack_max_table_capacity != 0) add(SettingId::kQpackMaxTableCapacity, settings.qpack_max_table_capacity);
  if (settings.max_field_section_size != kVarintMax)
    add(SettingId::kMaxFieldSectionSize, settings.max_field_section_size);
  if (settings.qpack_blocked_streams != 0) add(SettingId::kQpackBlockedStreams, settings.qpack_blocked_streams);
  if (settings.enable_connect_protocol) add(SettingId::kEnableConnectProtocol, 1);
  if (settings.h3_datagram) add(SettingId::kH3Datagram, 1);
  for (const UnknownSetting& setting : settings.others) append_setting(out, setting.id, setting.value);
}

void append_settings_frame(std::vector<std::uint8_t>& out, const Settings& settings, std::uint64_t grease) {
  std::vector<std::uint8_t> payload;
  append_settings_payload(payload, settings);
  if (grease != 0) append_setting(payload, grease, grease & 0xff);
  append_frame(out, static_cast<std::uint64_t>(FrameType::kSettings), payload);
}

// rfc9114:7.2.4.2-not-reduced rfc9114:7.2.4.2-omitted rfc9204:3.2.3-remembered
bool settings_permit_zero_rtt(const Settings& remembered, const Settings& now) {
  const bool same_table =
      remembered.qpack_max_table_capacity == 0 || now.qpack_max_table_capacity == remembered.qpack_max_table_capacity;
  return same_table && now.qpack_blocked_streams >= remembered.qpack_blocked_streams &&
         now.max_field_section_size >= remembered.max_field_section_size &&
         (now.enable_connect_protocol || !remembered.enable_connect_protocol) &&
         (now.h3_datagram || !remembered.h3_datagram);
}

}  // namespace hawser::http3
