// session_store.h: what a client keeps of its visits for later ones: session tickets with the HTTP/3
// settings they were issued under, address tokens, and what the path was seen to carry (Careful Resume). In
// memory, or in a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hawser::http {

// For one connection: neither part is for a second one.
struct KeptSession {
  std::vector<std::uint8_t> ticket;    // of quic::ConnectionHandler::on_session_ticket; empty: none
  std::vector<std::uint8_t> settings;  // a SETTINGS payload; empty with HTTP/0.9
  std::vector<std::uint8_t> token;     // of NEW_TOKEN; empty: none
  std::vector<std::uint8_t> path;      // of saved_path_record.h; empty: none
};

// `key` names a server and all that decides whom the client takes for it: name, port, trust. Times
// are seconds since 1970. Called on one thread at a time.
class SessionStore {
 public:
  virtual ~SessionStore() = default;
  // Takes out the newest ticket and the newest token for a server that have not expired, and its path.
  virtual KeptSession take(std::string_view key, std::int64_t now_s) = 0;
  virtual void put_ticket(std::string_view key, Bytes ticket, Bytes settings, std::int64_t expires_s) = 0;
  virtual void put_token(std::string_view key, Bytes token, std::int64_t expires_s) = 0;
  // In the place of the one before (RFC 9959 section 3.1: one for each remote endpoint).
  virtual void put_path(std::string_view key, Bytes path, std::int64_t expires_s) = 0;
};

class MemorySessionStore final : public SessionStore {
 public:
  // Records of all servers; past it the oldest goes. At 8 KB each, the most a record may have, 8 MB.
  static constexpr std::size_t kMaxRecords = 1'024;
  static constexpr std::size_t kMaxRecordOctets = 8'192;  // larger ones are not kept
  static constexpr std::size_t kMaxOfOneKey = 8;          // of tickets, and of tokens

  KeptSession take(std::string_view key, std::int64_t now_s) override;
  void put_ticket(std::string_view key, Bytes ticket, Bytes settings, std::int64_t expires_s) override;
  void put_token(std::string_view key, Bytes token, std::int64_t expires_s) override;
  void put_path(std::string_view key, Bytes path, std::int64_t expires_s) override;

  [[nodiscard]] std::size_t size() const { return records_.size(); }
  // All records as octets, and back. What cannot be read ends the reading: the rest is forgotten.
  [[nodiscard]] std::vector<std::uint8_t> serialize() const;
  void restore(Bytes octets, std::int64_t now_s);

 private:
  enum class Kind : std::uint8_t { kTicket = 0, kToken = 1, kPath = 2 };  // as the file has them
  struct Record {
    Kind kind = Kind::kTicket;
    std::int64_t expires_s = 0;
    std::string key;
    std::vector<std::uint8_t> octets;  // ticket, token or path
    std::vector<std::uint8_t> settings;
  };
  void put(Record record);
  std::optional<Record> take_newest(std::string_view key, Kind kind, std::int64_t now_s);

  std::deque<Record> records_;  // the oldest first
};

// A MemorySessionStore in a file that only its owner may read, since tickets let anybody resume. It
// is read before and replaced as a whole after each change, so that programs may share it: a reader
// sees the old or the new one, and who changes it holds a lock on it meanwhile, so that no ticket is given to two. Who
// does not get the lock in a second goes on without.
class FileSessionStore final : public SessionStore {
 public:
  // The file need not exist yet. The error says why it cannot be used; what is in it that cannot
  // be read is no error.
  static std::expected<std::unique_ptr<FileSessionStore>, ConfigError> open(std::string path);

  KeptSession take(std::string_view key, std::int64_t now_s) override;
  void put_ticket(std::string_view key, Bytes ticket, Bytes settings, std::int64_t expires_s) override;
  void put_token(std::string_view key, Bytes token, std::int64_t expires_s) override;
  void put_path(std::string_view key, Bytes path, std::int64_t expires_s) override;

 private:
  explicit FileSessionStore(std::string path) : path_(std::move(path)) {}
  class Lock;
  [[nodiscard]] MemorySessionStore load(std::int64_t now_s) const;
  void replace(const MemorySessionStore& store) const;

  std::string path_;
};

}  // namespace hawser::http
