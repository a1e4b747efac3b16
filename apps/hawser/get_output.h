// get_output.h: where a body goes: a file, standard output, or nowhere. Views of received data
// are written as they are, without a copy in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "base/bytes.h"

namespace hawser::app {

class GetOutput {
 public:
  // "-" is standard output.
  explicit GetOutput(std::string name) : name_(std::move(name)) {}
  ~GetOutput();
  GetOutput(const GetOutput&) = delete;
  GetOutput& operator=(const GetOutput&) = delete;

  // Opens the file, empty, or to be continued at `offset`. Errors are sentences. A second
  // call does nothing.
  std::expected<void, std::string> open(std::uint64_t offset = 0);
  [[nodiscard]] bool is_open() const { return kind_ != Kind::kClosed; }

  // Writes what can be written without waiting for a reader: all of it for files, possibly
  // less for pipes and terminals. Returns how many octets that was.
  std::expected<std::size_t, std::string> write(std::span<const Bytes> views);
  // Writes all of a short text, waiting if need be: heads on standard output.
  std::expected<void, std::string> write_text(std::string_view text);
  // Errors that come with closing: a full disk on a network file system.
  std::expected<void, std::string> close();

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  enum class Kind : std::uint8_t {
    kClosed,
    kFile,  // never makes its writer wait for a reader
    kPipe,  // does: pipes, terminals, sockets
    kNull,  // /dev/null
  };

  std::string failure(const char* what) const;
  std::expected<std::size_t, std::string> write_file(std::span<const Bytes> views);
  std::expected<std::size_t, std::string> write_pipe(std::span<const Bytes> views);

  std::string name_;
  int fd_ = -1;
  Kind kind_ = Kind::kClosed;
};

}  // namespace hawser::app
