// saved_path_record.h: what Careful Resume knows of a path, as octets for a SessionStore.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "quic/connection/connection.h"

namespace hawser::http {

// `unix_s`: now, in seconds since 1970.
std::vector<std::uint8_t> write_saved_path(const quic::SavedPath& saved, std::int64_t unix_s);
// With the age that it has now. Nothing if the octets are no such record, or from the future.
std::optional<quic::SavedPath> read_saved_path(Bytes record, std::int64_t unix_s);

}  // namespace hawser::http
