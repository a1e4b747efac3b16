// Goal: every record reaches the file of its connection, also with more connections than
// files may be open. Method: write into a fresh folder and read it back.
#include "runtime/qlog_files.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

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

TEST(qlog_files, a_limit_too_small_for_records_is_a_config_error) {
  const QlogFolder folder;
  EXPECT_FALSE(QlogFiles::create(folder.path, 100).has_value());
}

TEST(qlog_files, files_are_named_by_connection_and_vantage) {
  const QlogFolder folder;
  const std::uint8_t cid[] = {0x2e, 0x2e, 0x2f, 0x00};
  {
    const auto files = QlogFiles::create(folder.path);
    ASSERT_TRUE(files.has_value());
    auto client = (*files)->open({1, Vantage::kClient, cid}, "a");
    const auto server = (*files)->open({1, Vantage::kServer, cid}, "b");
    const auto endpoint = (*files)->open({0, Vantage::kServer, {}}, "c");
    client->write("d");
    client.reset();
    EXPECT_EQ(folder.read("2e2e2f00_client.sqlog"), "ad");
  }
  EXPECT_EQ(folder.read("2e2e2f00_server.sqlog"), "b");
  EXPECT_EQ(folder.read("endpoint_server.sqlog"), "c");
}

TEST(qlog_files, more_connections_than_open_files_lose_nothing) {
  const QlogFolder folder;
  constexpr std::size_t kLogs = QlogFiles::kOpenFilesMax + 1;
  {
    const auto files = QlogFiles::create(folder.path);
    ASSERT_TRUE(files.has_value());
    std::vector<std::unique_ptr<LogOutput>> logs;
    for (std::size_t i = 0; i < kLogs; ++i) {
      const std::uint8_t cid[] = {static_cast<std::uint8_t>(i)};
      logs.push_back((*files)->open({i + 1, Vantage::kClient, cid}, "xy"));
    }
    for (int round = 0; round < 2; ++round)
      for (const auto& log : logs) log->write("xy");
    EXPECT_EQ((*files)->failures(), 0u);
  }
  for (std::size_t i = 0; i < kLogs; ++i) {
    const std::uint8_t cid[] = {static_cast<std::uint8_t>(i)};
    EXPECT_EQ(folder.read(to_hex(cid) + "_client.sqlog"), "xyxyxy");
  }
}

TEST(qlog_files, a_log_at_its_limit_keeps_its_first_part_and_the_latest) {
  const QlogFolder folder;
  const std::uint8_t cid[] = {7};
  constexpr std::uint64_t kPart = QlogFiles::kLimitMin / QlogFiles::kParts;
  {
    const auto files = QlogFiles::create(folder.path, QlogFiles::kLimitMin);
    ASSERT_TRUE(files.has_value());
    const auto log = (*files)->open({1, Vantage::kClient, cid}, "header\n");
    for (int i = 0; i < 10; ++i) {
      log->write(std::string(kPart, static_cast<char>('0' + i)) + "\n");
      log->end_record();
    }
    EXPECT_EQ((*files)->failures(), 0u);
  }
  std::uint64_t octets = 0;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
    octets += entry.file_size();
    ++count;
    EXPECT_TRUE(folder.read(entry.path().filename()).starts_with("header\n")) << entry.path();
  }
  EXPECT_EQ(count, QlogFiles::kParts);
  EXPECT_LT(octets, QlogFiles::kLimitMin + 100);
  EXPECT_EQ(folder.read("07_client.sqlog")[7], '0');
  EXPECT_EQ(folder.read("07_client.9.sqlog")[7], '9');
}

TEST(qlog_files, a_folder_that_takes_no_files_is_a_config_error) {
  const auto files = QlogFiles::create("/proc");
  ASSERT_FALSE(files.has_value());
  EXPECT_NE(files.error().message.find("cannot write qlog into \"/proc\""), std::string::npos);
}

TEST(qlog_files, any_number_of_connections_of_one_id_have_a_log_each) {
  const QlogFolder folder;
  const std::uint8_t cid[] = {7};
  constexpr std::size_t kLogs = 3 * QlogFiles::kSameNameMax;
  for (std::size_t i = 0; i < kLogs; ++i) {
    const auto files = QlogFiles::create(folder.path);
    ASSERT_TRUE(files.has_value());
    (*files)->open({1, Vantage::kClient, cid}, "x");
    EXPECT_EQ((*files)->failures(), 0u);
  }
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
    EXPECT_EQ(folder.read(entry.path().filename()), "x") << entry.path();
    ++count;
  }
  EXPECT_EQ(count, kLogs);
  const std::string last = folder.path + "/07_client-" + std::to_string(QlogFiles::kSameNameMax + 1) + ".sqlog";
  EXPECT_FALSE(std::filesystem::exists(last)) << "the search for a name goes on and on";
}

TEST(qlog_files, a_log_that_got_no_file_writes_into_no_other) {
  const QlogFolder folder;
  const auto files = QlogFiles::create(folder.path);
  ASSERT_TRUE(files.has_value());
  const std::string moved = folder.path + ".moved";
  std::filesystem::rename(folder.path, moved);
  const std::uint8_t cid[] = {1};
  const auto log = (*files)->open({1, Vantage::kClient, cid}, "x");
  std::filesystem::rename(moved, folder.path);
  std::ofstream(folder.path + "/01_client.sqlog") << "another's";
  log->write("y");
  EXPECT_EQ(folder.read("01_client.sqlog"), "another's");
  EXPECT_EQ((*files)->failures(), 2u);
  EXPECT_EQ((*files)->first_error(), ENOENT);
}

TEST(qlog_files, lost_writes_are_counted) {
  const QlogFolder folder;
  const auto files = QlogFiles::create(folder.path);
  ASSERT_TRUE(files.has_value());
  std::filesystem::remove_all(folder.path);
  const std::uint8_t cid[] = {1};
  const auto log = (*files)->open({1, Vantage::kClient, cid}, "x");
  EXPECT_EQ((*files)->failures(), 1u);
}

}  // namespace
}  // namespace hawser::runtime
