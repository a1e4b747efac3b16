// session_file_fuzz.cc: any octets as a file of sessions, and what is taken out of it as ticket, token and path.
// room: http
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "http/saved_path_record.h"
#include "http/session_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::http;
  constexpr std::int64_t kNow = 1'800'000'000;
  MemorySessionStore store;
  store.restore(Bytes(data, size), kNow);
  HAWSER_CHECK(store.size() <= MemorySessionStore::kMaxRecords);
  // What was read is written and read again as it is.
  const std::vector<std::uint8_t> written = store.serialize();
  HAWSER_CHECK(written.size() <= std::max<std::size_t>(size, 8));
  MemorySessionStore again;
  again.restore(written, kNow);
  HAWSER_CHECK(again.serialize() == written);

  const KeptSession kept = store.take("a", kNow);
  for (const Bytes octets : {Bytes(kept.path), Bytes(data, size)}) {
    const auto path = read_saved_path(octets, kNow);
    if (!path) continue;
    HAWSER_CHECK(path->age >= Duration{0} && path->rtt > Duration{0});
    const auto back = read_saved_path(write_saved_path(*path, kNow), kNow);
    HAWSER_CHECK(back.has_value() && *back == *path);
  }
  return 0;
}
