// source_text.cc: strips comments and literals from C++ and finds includes and functions by
// counting braces. It knows no grammar: enough for sources that clang-format wrote.
#include "source_text.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace hawser::tidy {
namespace {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// Replaces comments and the insides of literals by spaces; newlines and quotes stay.
class Stripper {
 public:
  explicit Stripper(std::string_view text) : text_(text), out_(text) {}

  std::string strip() {
    while (at_ < text_.size()) {
      if (starts("//")) {
        blank_until("\n", 0);
      } else if (starts("/*")) {
        blank_until("*/", 2);
      } else if (starts("R\"") && (at_ == 0 || !is_word(text_[at_ - 1]))) {
        const std::size_t open = text_.find('(', at_);
        if (open == std::string_view::npos) break;
        const std::string close = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
        blank_until(close, close.size());
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !is_digit_separator())) {
        blank_literal(text_[at_]);
      } else {
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool is_digit_separator() const {
    return at_ > 0 && at_ + 1 < text_.size() && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0 &&
           std::isxdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
  }
  void blank(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to && i < out_.size(); ++i)
      if (out_[i] != '\n') out_[i] = ' ';
  }
  void blank_until(std::string_view close, std::size_t close_size) {
    const std::size_t found = text_.find(close, at_);
    const std::size_t end = found == std::string_view::npos ? text_.size() : found + close_size;
    blank(at_, end);
    at_ = end;
  }
  void blank_literal(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    blank(at_ + 1, end);
    at_ = end + 1;
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
};

// The words before a '{' at namespace or class level, and what they open.
bool opens_scope(std::string_view header) {
  std::string_view rest = trimmed(header);
  if (rest.empty()) return true;  // A bare block: as in `extern "C" {` after stripping the literal, or nothing at all.
  for (const std::string_view word : {"namespace", "inline namespace", "extern", "class", "struct", "enum", "union"}) {
    if (!rest.starts_with(word)) continue;
    if (rest.size() == word.size() || !is_word(rest[word.size()]))
      return word != "extern" || rest.find('(') == std::string_view::npos;
  }
  return false;
}

// The position behind the bracket that closes the one at `open`, or npos.
std::size_t behind_closing(std::string_view text, std::size_t open, char opening, char closing) {
  std::size_t depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == opening) ++depth;
    if (text[i] == closing && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

// Takes away what may stand before a declaration: template<...> and, as in a header of
// generated enums, calls of macros in capitals that end without a semicolon.
std::string_view without_prefixes(std::string_view header) {
  std::string_view rest = trimmed(header);
  std::size_t word = 0;
  bool capitals = true;
  for (; word < rest.size() && is_word(rest[word]); ++word)
    if (std::islower(static_cast<unsigned char>(rest[word])) != 0) capitals = false;
  std::size_t end = std::string_view::npos;
  if (rest.substr(0, word) == "template")
    end = behind_closing(rest, std::min(rest.find('<'), rest.size()), '<', '>');
  else if (word > 1 && capitals && word < rest.size() && rest[word] == '(')
    end = behind_closing(rest, word, '(', ')');
  if (end == std::string_view::npos || trimmed(rest.substr(end)).empty()) return rest;
  return without_prefixes(rest.substr(end));
}

std::string function_name(std::string_view header) {
  const std::size_t open = header.find('(');
  std::string_view before = trimmed(header.substr(0, open));
  std::size_t begin = before.size();
  while (begin > 0 && (is_word(before[begin - 1]) || before[begin - 1] == '~')) --begin;
  std::string name(before.substr(begin));
  if (!name.starts_with("TEST")) return name;
  std::string test;
  for (const char c : header.substr(open + 1)) {
    if (c == ')') break;
    if (c == ',') test += '.';
    if (is_word(c)) test += c;
  }
  return test;
}

// Walks the stripped code and follows braces: scopes are entered, functions are measured.
class FunctionFinder {
 public:
  explicit FunctionFinder(const std::vector<std::string>& code) : code_(code) {}

  std::vector<Function> find() {
    bool continued = false;
    for (std::size_t i = 0; i < code_.size(); ++i) {
      line_ = static_cast<int>(i) + 1;
      const std::string_view text = trimmed(code_[i]);
      const bool directive = continued || text.starts_with('#');
      continued = directive && text.ends_with('\\');
      if (directive) continue;
      if (inside_function() && !text.empty()) ++current_.code_lines;
      for (const char c : code_[i]) on_char(c);
      header_ += ' ';
      previous_ = ' ';
    }
    return std::move(functions_);
  }

 private:
  enum class Brace { kScope, kFunction, kInside, kInitializer };

  bool inside_function() const { return std::find(braces_.begin(), braces_.end(), Brace::kFunction) != braces_.end(); }

  void on_char(char c) {
    if (c == '{') {
      open();
    } else if (c == '}') {
      close();
    } else {
      if (c == '(') ++parens_;
      if (c == ')' && parens_ > 0) --parens_;
      if (!inside_function()) {
        if (c == ';' && parens_ == 0 && !inside_initializer()) {
          header_.clear();
        } else {
          if (header_line_is_blank() && !std::isspace(static_cast<unsigned char>(c))) header_line_ = line_;
          header_ += c;
        }
      }
    }
    previous_ = c;
  }

  bool header_line_is_blank() const { return trimmed(header_).empty(); }
  bool inside_initializer() const { return !braces_.empty() && braces_.back() == Brace::kInitializer; }

  void open() {
    if (inside_function()) {
      braces_.push_back(Brace::kInside);
      return;
    }
    const std::string_view header = without_prefixes(header_);
    const bool is_function = header.find('(') != std::string_view::npos;
    // `x_{1}` in a constructor's list, and a value in a parameter list or behind `=`, end no header.
    if (parens_ > 0 || inside_initializer() || header.ends_with('=') || (is_function && is_word(previous_))) {
      braces_.push_back(Brace::kInitializer);
    } else if (opens_scope(header)) {
      braces_.push_back(Brace::kScope);
      header_.clear();
    } else if (is_function) {
      braces_.push_back(Brace::kFunction);
      current_ = {header_line_, line_ - header_line_ + 1, function_name(header)};
      header_.clear();
    } else {
      braces_.push_back(Brace::kInitializer);
    }
  }

  void close() {
    if (braces_.empty()) return;
    const Brace closed = braces_.back();
    braces_.pop_back();
    if (closed == Brace::kFunction) functions_.push_back(current_);
    if (closed == Brace::kFunction || closed == Brace::kScope) {
      header_.clear();
      parens_ = 0;
    }
  }

  const std::vector<std::string>& code_;
  std::vector<Brace> braces_;
  std::vector<Function> functions_;
  Function current_;
  std::string header_;
  int header_line_ = 1;
  int line_ = 1;
  int parens_ = 0;
  char previous_ = ' ';
};

}  // namespace

SourceText::SourceText(std::string path, std::string_view text) : path_(std::move(path)), lines_(split_lines(text)) {
  code_ = split_lines(Stripper(text).strip());
  find_includes();
  find_functions();
}

std::string_view SourceText::extension() const {
  const std::size_t dot = path_.rfind('.');
  return dot == std::string::npos ? std::string_view() : std::string_view(path_).substr(dot);
}

std::string_view SourceText::file_name() const {
  const std::size_t slash = path_.rfind('/');
  return std::string_view(path_).substr(slash == std::string::npos ? 0 : slash + 1);
}

std::string SourceText::opening_comment() const {
  std::string joined;
  for (const std::string& line : lines_) {
    if (!line.starts_with("//")) break;
    joined += trimmed(std::string_view(line).substr(2));
    joined += ' ';
  }
  return joined;
}

void SourceText::find_includes() {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    // The stripped line tells that this is code; the whole line still has the path.
    std::string_view code = trimmed(code_[i]);
    if (!code.starts_with('#') || !trimmed(code.substr(1)).starts_with("include")) continue;
    const std::string& line = lines_[i];
    const std::size_t open = line.find_first_of("<\"");
    if (open == std::string::npos) continue;
    const std::size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
    if (close == std::string::npos) continue;
    includes_.push_back({static_cast<int>(i) + 1, line.substr(open + 1, close - open - 1), line[open] == '"'});
  }
}

void SourceText::find_functions() {
  functions_ = FunctionFinder(code_).find();
}

SourceText read_source(const std::filesystem::path& root, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return SourceText(file.lexically_relative(root).generic_string(), text);
}

}  // namespace hawser::tidy
