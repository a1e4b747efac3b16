// markup.h: text between the tags, or in the attributes, of HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace hawser {

// What means something to HTML or XML is written so that it does not.
inline std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace hawser
