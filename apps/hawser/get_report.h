// get_report.h: what `hawser get` tells people: the progress bar and -w.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace hawser::app {

// The values of -w, under curl's names.
struct WriteOutValues {
  int exit_code = 0;
  std::string error_message;
  std::uint16_t http_code = 0;
  std::string http_version;
  std::string method;
  std::string url;
  std::string url_effective;
  std::string redirect_url;
  std::string content_type;
  std::string filename_effective;
  std::string remote_ip;
  std::uint16_t remote_port = 0;
  std::string local_ip;
  std::uint16_t local_port = 0;
  std::string observed_ip;  // of this end, as the server sees it; empty: it does not say
  std::uint16_t observed_port = 0;
  std::string paths;  // "0 192.0.2.7 active 11.4 3021340; 1 ...": see docs/get.md
  std::size_t num_paths = 0;
  std::string early_data = "none";
  bool resumed = false;
  std::size_t redirects = 0;
  std::uint64_t size_download = 0;  // octets of the body
  std::uint64_t size_upload = 0;
  std::uint64_t size_header = 0;
  double time_namelookup = 0;  // seconds since the start
  double time_firstpacket = 0;
  double time_connect = 0;
  double time_starttransfer = 0;
  double time_total = 0;
};

// Replaces %{name}, %%, \n, \r, \t and \\. Unknown names are shown as they are, as curl does.
std::string format_write_out(std::string_view format, const WriteOutValues& values);

// The names that format_write_out knows, for --help.
std::string write_out_names();

// "1.50 MB": three significant digits, decimal units, as network rates are given.
std::string human_octets(double octets);
// "0:05", "1:02:03"; "--:--" for what cannot be told.
std::string human_time(double seconds);

// One line that is drawn over itself.
class ProgressBar {
 public:
  explicit ProgressBar(Timestamp began) : began_(began), last_(began) {}
  // The line of this moment, without line end, at most `width` columns. `expected` 0: unknown.
  std::string line(std::string_view name, std::uint64_t here, std::uint64_t expected, Timestamp now, std::size_t width);

 private:
  Timestamp began_;
  Timestamp last_;
  std::uint64_t last_here_ = 0;
  double rate_ = 0;  // octets a second, smoothed over about two seconds
};

}  // namespace hawser::app
