// address_text_fuzz.cc: addresses as people and URLs write them; what is read prints and reads back alike.
// room: net
#include <cstdlib>
#include <string_view>

#include "net/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  (void)hawser::net::parse_host_port(text, 443);
  const auto address = hawser::net::parse_address(text);
  if (!address || address->scope_id != 0) return 0;
  const auto again = hawser::net::parse_address(hawser::to_string(*address));
  if (!again || *again != *address) std::abort();
  return 0;
}
