// Goal: every record reaches the file of its connection, also with more connections than
// files may be open. Method: write into a fresh folder and read it back.
#include "runtime/qlog_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace hawser::runtime {
namespace {

class QlogFolder {
 public:
  QlogFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hawser_qlog_XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~QlogFolder() { std::filesystem::remove_all(path); }
  std::string read(const std::string& name) const {
    std::ifstream in(path + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path;
};

TEST(qlog_files, a_missing_folder_is_a_config_error) {
  const auto files = QlogFiles::create("/nonexistent/folder");
  ASSERT_FALSE(files.has_value());
  EXPECT_NE(files.error().message.find("does not exist"), std::string::npos);
}

TEST(qlog_files, files_are_named_by_connection_and_vantage) {
  const QlogFolder folder;
  const std::uint8_t cid[] = {0x2e, 0x2e, 0x2f, 0x00};
  {
    auto files = QlogFiles::create(folder.path);
    ASSERT_TRUE(files.has_value());
    files->write({1, Vantage::kClient, cid}, "a");
    files->write({1, Vantage::kServer, cid}, "b");
    files->write({0, Vantage::kServer, {}}, "c");
    files->write({1, Vantage::kClient, cid}, "d");
    files->finish({1, Vantage::kClient, cid});
    files->finish({1, Vantage::kClient, cid});
    EXPECT_EQ(folder.read("2e2e2f00_client.sqlog"), "ad");
  }
  EXPECT_EQ(folder.read("2e2e2f00_server.sqlog"), "b");
  EXPECT_EQ(folder.read("endpoint_server.sqlog"), "c");
}

TEST(qlog_files, more_connections_than_open_files_lose_nothing) {
  const QlogFolder folder;
  constexpr std::size_t kLogs = QlogFiles::kOpenFilesMax + 1;
  {
    auto files = QlogFiles::create(folder.path);
    ASSERT_TRUE(files.has_value());
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < kLogs; ++i) {
        const std::uint8_t cid[] = {static_cast<std::uint8_t>(i)};
        files->write({i + 1, Vantage::kClient, cid}, "xy");
      }
    }
    EXPECT_EQ(files->failures(), 0u);
  }
  for (std::size_t i = 0; i < kLogs; ++i) {
    const std::uint8_t cid[] = {static_cast<std::uint8_t>(i)};
    EXPECT_EQ(folder.read(to_hex(cid) + "_client.sqlog"), "xyxyxy");
  }
}

TEST(qlog_files, lost_writes_are_counted) {
  const QlogFolder folder;
  auto files = QlogFiles::create(folder.path);
  ASSERT_TRUE(files.has_value());
  std::filesystem::remove_all(folder.path);
  const std::uint8_t cid[] = {1};
  files->write({1, Vantage::kClient, cid}, "x");
  EXPECT_EQ(files->failures(), 1u);
}

}  // namespace
}  // namespace hawser::runtime
