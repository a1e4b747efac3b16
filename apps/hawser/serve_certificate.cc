// serve_certificate.cc: files of the development certificate, and the lines printed about it.
#include "serve_certificate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/bytes.h"

namespace hawser::app {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Written beside and renamed, so that a reader never sees half of it.
std::expected<void, ConfigError> write_text(const std::string& path, std::string_view text, mode_t mode) {
  const std::string beside = fmt::format("{}.{}", path, getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  if (written && ::rename(beside.c_str(), path.c_str()) == 0) return {};
  return std::unexpected(ConfigError{fmt::format("cannot write {}: {}", path, std::strerror(errno))});
}

// One at a time reads or makes the two files, so that the key is always that of the certificate. A
// folder that cannot be locked is used without.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) < 0 && errno == EINTR) {
    }
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

std::vector<std::string> names_of_this_machine() {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0 && name[0] != '\0') names.emplace_back(name);
  return names;
}

}  // namespace

std::expected<std::string, ConfigError> data_folder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + "/hawser";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] != '\0') return std::string(home) + "/.local/share/hawser";
  return std::unexpected(
      ConfigError{"--dev-cert needs a folder to keep the certificate in: set HOME or XDG_DATA_HOME"});
}

std::expected<KeptCertificate, ConfigError> keep_dev_certificate(const std::string& folder, std::int64_t now_s) {
  KeptCertificate kept{.certificate = {}, .chain_file = folder + "/dev-cert.pem", .key_file = folder + "/dev-key.pem"};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return std::unexpected(ConfigError{fmt::format("cannot make {}: {}", folder, error.message())});
  const FolderLock lock(folder);
  const auto chain = read_text(kept.chain_file);
  const auto key = read_text(kept.key_file);
  if (chain && key && quic::is_key_of_certificate(*key, *chain)) {
    if (auto read = quic::read_certificate(*chain); read && read->not_after_s > now_s + kDevCertificateReserve_s) {
      kept.certificate = *std::move(read);
      return kept;
    }
  }
  // From a minute ago, for clocks that are a little behind.
  auto minted = quic::mint_dev_certificate({.names = names_of_this_machine(), .not_before_s = now_s - 60});
  if (!minted) minted = quic::mint_dev_certificate({.not_before_s = now_s - 60});
  if (!minted) return std::unexpected(minted.error());
  kept.certificate = *std::move(minted);
  kept.minted = true;
  HAWSER_TRY_VOID(write_text(kept.key_file, kept.certificate.key_pem, 0600));
  HAWSER_TRY_VOID(write_text(kept.chain_file, kept.certificate.certificate_pem, 0644));
  return kept;
}

std::string describe_dev_certificate(const KeptCertificate& kept, std::string_view host, std::uint16_t port) {
  return fmt::format(
      "development certificate {} ({}), SHA-256 {}\n"
      "its public key, SHA-256 in base64: {}\n"
      "Chromium: chromium --origin-to-force-quic-on={}:{} --ignore-certificate-errors-spki-list={} https://{}:{}/\n"
      "hawser:   hawser get --cacert {} https://{}:{}/\n",
      kept.chain_file, kept.minted ? "new, valid for 13 days" : "kept from an earlier run",
      to_hex(kept.certificate.sha256), kept.certificate.spki_sha256_base64, host, port,
      kept.certificate.spki_sha256_base64, host, port, kept.chain_file, host, port);
}

}  // namespace hawser::app
