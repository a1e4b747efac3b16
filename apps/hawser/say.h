// say.h: what the programs tell people on standard error. One that nobody reads, or that is full, ends nothing.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace hawser::app {

// In one piece, whatever other threads say.
template <class... Arguments>
void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  const std::string text = fmt::format(format, std::forward<Arguments>(arguments)...);
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace hawser::app
