// qpack_command.cc: the options of `hawser qpack`, its files, and what it prints.
#include "qpack_command.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "http3/qpack/dynamic_table.h"
#include "http3/qpack/qif.h"
#include "say.h"

namespace hawser::app {

namespace {

namespace qpack = http3::qpack;

struct QpackOptions {
  qpack::InteropOptions interop;
  std::string ack_mode = "immediate";
  std::string input = "-";
  std::string output = "-";
  std::vector<std::string> lists;
  std::size_t generate = 10'000;
  std::uint64_t seed = 1;
};

struct FileCloser {
  void operator()(std::FILE* file) const {
    if (file != stdin && file != stdout) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

std::unexpected<ConfigError> file_error(const std::string& path, const char* what) {
  return std::unexpected(ConfigError{fmt::format("{}: {}: {}", path, what, std::strerror(errno))});
}

// "-" is standard input.
std::expected<std::vector<std::uint8_t>, ConfigError> read_file(const std::string& path) {
  const File file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return file_error(path, "cannot be opened");
  std::vector<std::uint8_t> octets;
  std::vector<std::uint8_t> part(64 * 1'024);
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), file.get())) {
    octets.insert(octets.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (std::ferror(file.get()) != 0) return file_error(path, "cannot be read");
  return octets;
}

std::expected<void, ConfigError> write_file(const std::string& path, Bytes octets) {
  const File file(path == "-" ? stdout : std::fopen(path.c_str(), "wb"));
  if (file == nullptr) return file_error(path, "cannot be created");
  const bool written = std::fwrite(octets.data(), 1, octets.size(), file.get()) == octets.size();
  if (!written || std::fflush(file.get()) != 0) return file_error(path, "cannot be written");
  return {};
}

std::expected<std::vector<qpack::QifList>, ConfigError> read_lists(const std::string& path) {
  HAWSER_TRY(const std::vector<std::uint8_t> octets, read_file(path));
  auto lists = qpack::parse_qif(as_text(octets));
  if (!lists) return std::unexpected(ConfigError{path + ": " + lists.error().message});
  return lists;
}

std::expected<void, ConfigError> encode(const QpackOptions& options) {
  HAWSER_TRY(const auto lists, read_lists(options.input));
  const qpack::EncodedQif encoded = qpack::encode_qif(lists, options.interop);
  HAWSER_TRY_VOID(write_file(options.output, encoded.file));
  say("{} lists: {} octets of field sections, {} of encoder stream\n", lists.size(), encoded.section_octets,
      encoded.encoder_octets);
  return {};
}

std::expected<void, ConfigError> decode(const QpackOptions& options) {
  HAWSER_TRY(const auto octets, read_file(options.input));
  const auto lists = qpack::decode_qif(octets, options.interop);
  if (!lists) return std::unexpected(ConfigError{options.input + ": " + lists.error().message});
  return write_file(options.output, as_bytes(qpack::format_qif(*lists)));
}

void print_cost(const std::string& name, const qpack::HeaderCost& cost) {
  const auto each = [&cost](std::size_t octets) {
    return cost.lists == 0 ? 0.0 : static_cast<double>(octets) / static_cast<double>(cost.lists);
  };
  const auto share = [&cost](std::size_t octets) {
    return cost.http1 == 0 ? 0.0 : 100.0 * static_cast<double>(octets) / static_cast<double>(cost.http1);
  };
  fmt::print("{}: {} lists, {} fields\n", name, cost.lists, cost.fields);
  fmt::print("  {:<22} {:>12} octets {:>9.1f} a list\n", "HTTP/1.1 text", cost.http1, each(cost.http1));
  fmt::print("  {:<22} {:>12} octets {:>9.1f} a list {:>6.1f} %\n", "QPACK, static table", cost.static_only,
             each(cost.static_only), share(cost.static_only));
  fmt::print("  {:<22} {:>12} octets {:>9.1f} a list {:>6.1f} %  (decoder stream: {} more)\n", "QPACK, dynamic table",
             cost.dynamic, each(cost.dynamic), share(cost.dynamic), cost.decoder_stream);
}

std::expected<void, ConfigError> measure(const QpackOptions& options) {
  for (const std::string& path : options.lists) {
    HAWSER_TRY(const auto lists, read_lists(path));
    print_cost(path, qpack::measure_qif(lists, options.interop));
  }
  if (options.generate > 0) {
    const auto lists = qpack::generate_browser_requests(options.generate, options.seed);
    print_cost("generated browser requests", qpack::measure_qif(lists, options.interop));
  }
  return {};
}

void add_table_options(CLI::App& command, QpackOptions& options) {
  command
      .add_option("--table-capacity", options.interop.table_capacity, "octets of dynamic table; 0: static table only")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 24))
      ->capture_default_str();
  command.add_option("--blocked-streams", options.interop.blocked_streams, "streams that may wait for insertions")
      ->check(CLI::Range(std::size_t{0}, std::size_t{65'536}))
      ->capture_default_str();
}

void add_ack_option(CLI::App& command, QpackOptions& options) {
  command.add_option("--ack", options.ack_mode, "when the decoder acknowledges: immediate, or none")
      ->check(CLI::IsMember({"immediate", "none"}))
      ->capture_default_str();
}

void add_file_options(CLI::App& command, QpackOptions& options, const std::string& input, const std::string& output) {
  command.add_option("input", options.input, input + "; - is standard input")->capture_default_str();
  command.add_option("-o,--output", options.output, output + "; - is standard output")->capture_default_str();
}

using Action = std::expected<void, ConfigError> (*)(const QpackOptions&);

void run_as(CLI::App& command, const std::shared_ptr<QpackOptions>& options, int& exit_code, Action action) {
  command.callback([options, &exit_code, action] {
    options->interop.acknowledge = options->ack_mode == "immediate";
    const auto done = action(*options);
    if (!done) say("hawser qpack: {}\n", done.error().message);
    exit_code = done ? 0 : 1;
  });
}

}  // namespace

void add_qpack_command(CLI::App& app, int& exit_code) {
  // The options live as long as the callbacks that read them.
  const auto options = std::make_shared<QpackOptions>();
  CLI::App& command = *app.add_subcommand("qpack", "encode, decode and measure header lists (RFC 9204)");
  command.require_subcommand(1);

  CLI::App& encoder =
      *command.add_subcommand("encode", "header lists as text (QIF) to an encoded file of the interop corpus");
  add_file_options(encoder, *options, "QIF file", "encoded file");
  add_table_options(encoder, *options);
  add_ack_option(encoder, *options);
  run_as(encoder, options, exit_code, &encode);

  CLI::App& decoder = *command.add_subcommand("decode", "an encoded file of the interop corpus back to text (QIF)");
  add_file_options(decoder, *options, "encoded file", "QIF file");
  add_table_options(decoder, *options);
  run_as(decoder, options, exit_code, &decode);

  CLI::App& meter = *command.add_subcommand("measure", "octets of header lists as HTTP/1.1, static and dynamic QPACK");
  meter.add_option("lists", options->lists, "QIF files");
  meter.add_option("--generate", options->generate, "browser-like requests to generate and measure; 0: none")
      ->capture_default_str();
  meter.add_option("--seed", options->seed, "of the generated requests")->capture_default_str();
  add_table_options(meter, *options);
  add_ack_option(meter, *options);
  run_as(meter, options, exit_code, &measure);
}

}  // namespace hawser::app
