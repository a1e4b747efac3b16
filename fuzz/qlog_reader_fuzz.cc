// qlog_reader_fuzz.cc: whatever a file holds, reading, summing up and drawing it ends, with an error or without.
// room: qlog
#include <cstdint>
#include <cstdio>
#include <string>

#include "base/check.h"
#include "qlog_plot.h"
#include "qlog_reader.h"
#include "qlog_summary.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser::app;
  if (size == 0 || size > 65'536) return 0;
  // fmemopen() reads only; what it is given is not written to.
  QlogReader::File file(fmemopen(const_cast<std::uint8_t*>(data), size, "rb"));
  HAWSER_CHECK(file != nullptr);
  auto reader = QlogReader::read(std::move(file), "fuzzed");
  if (!reader) {
    HAWSER_CHECK(!reader.error().message.empty());
    return 0;
  }
  QlogSummary summary;
  QlogPlot plot;
  for (std::size_t events = 0;; ++events) {
    // An event has two octets at least.
    HAWSER_CHECK(events <= size);
    const auto event = reader->next();
    if (!event || !*event) break;
    summary.add(**event);
    plot.add(**event);
  }
  HAWSER_CHECK(!summary.text().empty());
  // Lines of 2 directions of 4 streams, of all streams and of six values, of 512 cells with three points each.
  constexpr std::size_t kSvgMax = 16 * 512 * 3 * 24 + 65'536;
  HAWSER_CHECK(plot.svg("fuzzed", reader->vantage()).size() <= kSvgMax + size * 6);
  return 0;
}
