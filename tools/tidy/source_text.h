// source_text.h: a C++ source as tidy reads it: lines, the same lines without comments and
// literals, its includes, and its functions with their length in code lines.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hawser::tidy {

struct Include {
  int line = 0;
  std::string path;
  bool quoted = false;
};

struct Function {
  int line = 0;        // of the opening brace's statement
  int code_lines = 0;  // from that line to the closing brace; comments and blank lines do not count
  std::string name;    // last identifier before the parameter list; "suite.test" for TEST(suite, test)
};

class SourceText {
 public:
  // `path` is relative to the project root, with '/' between folders.
  SourceText(std::string path, std::string_view text);

  const std::string& path() const { return path_; }
  std::string_view extension() const;
  std::string_view file_name() const;
  bool is_header() const { return extension() == ".h"; }
  bool is_test() const { return path_.ends_with("_test.cc"); }

  // Line n of the file is lines()[n - 1].
  const std::vector<std::string>& lines() const { return lines_; }
  // The same lines with comments and the insides of literals replaced by spaces.
  const std::vector<std::string>& code_lines() const { return code_; }
  const std::vector<Include>& includes() const { return includes_; }
  const std::vector<Function>& functions() const { return functions_; }
  // The comment lines the file begins with, joined by spaces.
  std::string opening_comment() const;

 private:
  void find_includes();
  void find_functions();

  std::string path_;
  std::vector<std::string> lines_;
  std::vector<std::string> code_;
  std::vector<Include> includes_;
  std::vector<Function> functions_;
};

// Reads a file below `root`; throws std::runtime_error when it cannot.
SourceText read_source(const std::filesystem::path& root, const std::filesystem::path& file);

}  // namespace hawser::tidy
