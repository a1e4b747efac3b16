// resolver.h: names to addresses by the system's resolver.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"

namespace hawser::runtime {

// Addresses of `host` (a name, or an address in figures with or without brackets) with
// `port`, best first, each once; never empty. `family` kNone asks for both. Blocks for as
// long as the system's resolver does, so never call it on a worker's thread.
std::expected<std::vector<SocketAddress>, ConfigError> resolve(const std::string& host, std::uint16_t port,
                                                               AddressFamily family = AddressFamily::kNone);

// The same within `limit`; nothing: the system's resolver took longer. Its thread, which nothing can end, goes on alone
// then.
std::optional<std::expected<std::vector<SocketAddress>, ConfigError>> resolve_within(
    Duration limit, const std::string& host, std::uint16_t port, AddressFamily family = AddressFamily::kNone);

}  // namespace hawser::runtime
