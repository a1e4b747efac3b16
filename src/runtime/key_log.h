// key_log.h: appends TLS secrets in the SSLKEYLOGFILE format (RFC 9850), for Wireshark.
// Whoever reads the file can read the connections: it is opened only when asked for.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hawser::runtime {

class KeyLog {
 public:
  // Opens `path` for appending; a new file is readable by its owner alone.
  static std::expected<std::unique_ptr<KeyLog>, ConfigError> open(const std::string& path);
  // The file that the environment variable SSLKEYLOGFILE names; nullptr if it is unset.
  static std::expected<std::unique_ptr<KeyLog>, ConfigError> open_from_environment();
  ~KeyLog();
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  // Appends one line, given without its line feed, in one write: lines of several threads
  // and processes do not mix. Any thread. Failures to write are passed over.
  void append(std::string_view line);

  // The shape of quic::KeyLogSink; `context` is a KeyLog.
  static void sink(void* context, std::string_view line) { static_cast<KeyLog*>(context)->append(line); }

 private:
  explicit KeyLog(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace hawser::runtime
