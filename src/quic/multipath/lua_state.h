// lua_state.h: one Lua machine in a box: an allocator with a limit, a limit on instructions, and of the libraries only
// what computes. Every call of Lua that may fail goes through run(): Lua leaves by longjmp, over C frames alone.
#pragma once

#ifdef HAWSER_HAVE_LUA

#include <cstddef>
#include <lua5.4/lua.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace hawser::quic {

class LuaState {
 public:
  // `owner` is what owner_of() answers inside functions that Lua calls. Null handle() where memory is short.
  LuaState(void* owner, std::size_t memory_max, int instructions_max);
  ~LuaState();
  LuaState(const LuaState&) = delete;
  LuaState& operator=(const LuaState&) = delete;

  [[nodiscard]] lua_State* handle() { return lua_; }
  [[nodiscard]] std::size_t memory() const { return used_; }

  // Calls `function`, which may raise errors and has no objects with destructors on its stack, and leaves `results`
  // values. Empty, or what went wrong: "mine.lua:7: attempt to ...".
  std::string run(lua_CFunction function, int results);
  // Compiles the source and runs it; `file` is how messages call it.
  std::string run_source(std::string_view source, const std::string& file);
  // What the latest run() left.
  void drop_results() { lua_settop(lua_, 0); }

  static void* owner_of(lua_State* lua);

 private:
  static void* allocate(void* self, void* block, std::size_t before, std::size_t after);
  static void on_count(lua_State* lua, lua_Debug* where);
  static int open_libraries(lua_State* lua);
  std::string call(int results);

  // Octets that one text takes, with Lua's 24: what reads, compares or joins texts does so in C, uncounted.
  static constexpr std::size_t kStringMax = 280;

  std::size_t memory_max_;
  int instructions_max_;
  std::size_t used_ = 0;
  bool long_string_ = false;  // one was refused
  void* owner_;
  lua_State* lua_;
};

}  // namespace hawser::quic

#endif  // HAWSER_HAVE_LUA
