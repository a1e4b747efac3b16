// lua_scheduler.h: schedulers of packets that are a script in Lua 5.4, run in this process within bounds on time and
// memory and without a way out of it: no files, no system, no clock, no randomness. docs/schedulers.md describes what
// a script sees. Where the build has no Lua, every script is refused.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

// Instructions of Lua's machine that one question may take, and that the script's body may: some 0.2 ms.
inline constexpr int kLuaInstructionsMax = 20'000;
// Octets that the script of one connection may hold, Lua's own 18,000 among them.
inline constexpr std::size_t kLuaMemoryMax = std::size_t{256} << 10;
// Octets of source.
inline constexpr std::size_t kLuaSourceMax = std::size_t{64} << 10;

// This build runs scripts.
bool has_lua();

struct LuaScript {
  std::string file;  // how messages call it: "mine.lua"
  std::string source;
};

// Compiles the script, runs its body and looks for what has to be there; the error names file and line.
std::expected<void, ConfigError> check_lua_script(const LuaScript& script);

// Makes a scheduler of the script known by `name`, as add_path_scheduler does, if it passes the check. One that fails
// later, in a question, gives its work to "min-rtt" for the rest of the connection (PathScheduler::failure).
std::expected<void, ConfigError> add_lua_scheduler(std::string_view name, LuaScript script);

// For tests: one that nobody else knows; null where there is no Lua. `script` outlives it.
std::unique_ptr<PathScheduler> make_lua_scheduler(std::string_view name, const LuaScript& script);

}  // namespace hawser::quic
