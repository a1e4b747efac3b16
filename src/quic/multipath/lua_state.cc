// lua_state.cc: what is taken out of the box, and why.
#include "quic/multipath/lua_state.h"

#ifdef HAWSER_HAVE_LUA

#include <cstdlib>
#include <utility>

namespace hawser::quic {
namespace {

// pcall would catch the end of the time, a finalizer of a metatable runs without it, load takes byte code that nobody
// checks, next and pairs pass over the empty places of a table in C, where no instruction is counted, tonumber reads a
// text there, and the rest talks to the outside.
constexpr const char* kTakenOfBase[] = {"pcall", "xpcall",     "setmetatable", "getmetatable",  "load",
                                        "next",  "pairs",      "tonumber",     "loadfile",      "dofile",
                                        "print", "loadstring", "warn",         "collectgarbage"};
// A simulated run must be the same each time.
constexpr const char* kTakenOfMath[] = {"random", "randomseed"};
// They walk tables in C, where no instruction is counted: a script could take seconds for a question.
constexpr const char* kTakenOfTable[] = {"concat", "insert", "move", "remove", "sort", "unpack"};

constexpr const char* kLongString = "a text of more than 250 octets";

template <std::size_t kCount>
void take(lua_State* lua, const char* const (&names)[kCount]) {
  for (const char* const name : names) {
    lua_pushnil(lua);
    lua_setfield(lua, -2, name);
  }
}

}  // namespace

LuaState::LuaState(void* owner, std::size_t memory_max, int instructions_max)
    : memory_max_(memory_max), instructions_max_(instructions_max), owner_(owner), lua_(lua_newstate(&allocate, this)) {
  if (lua_ == nullptr) return;
  *static_cast<LuaState**>(lua_getextraspace(lua_)) = this;
  if (run(&open_libraries, 0).empty()) return;
  lua_close(lua_);
  lua_ = nullptr;
}

LuaState::~LuaState() {
  if (lua_ != nullptr) lua_close(lua_);
}

void* LuaState::owner_of(lua_State* lua) {
  return (*static_cast<LuaState**>(lua_getextraspace(lua)))->owner_;
}

// Lua counts on it that a block can always shrink.
void* LuaState::allocate(void* self, void* block, std::size_t before, std::size_t after) {
  LuaState& state = *static_cast<LuaState*>(self);
  if (block == nullptr) {  // `before` says what kind of object it is for
    if (before == LUA_TSTRING && after > kStringMax) {
      state.long_string_ = true;
      return nullptr;
    }
    before = 0;
  }
  if (after == 0) {
    std::free(block);
    state.used_ -= before;
    return nullptr;
  }
  if (after > before && state.used_ - before + after > state.memory_max_) return nullptr;
  void* const moved = std::realloc(block, after);
  if (moved != nullptr) state.used_ = state.used_ - before + after;
  return moved;
}

void LuaState::on_count(lua_State* lua, lua_Debug* where) {
  lua_getinfo(lua, "Sl", where);
  const int most = (*static_cast<LuaState**>(lua_getextraspace(lua)))->instructions_max_;
  lua_pushfstring(lua, "%s:%d: it took more than %d instructions", where->short_src, where->currentline, most);
  lua_error(lua);
}

int LuaState::open_libraries(lua_State* lua) {
  luaL_requiref(lua, LUA_GNAME, &luaopen_base, 1);
  take(lua, kTakenOfBase);
  luaL_requiref(lua, LUA_MATHLIBNAME, &luaopen_math, 1);
  take(lua, kTakenOfMath);
  luaL_requiref(lua, LUA_TABLIBNAME, &luaopen_table, 1);
  take(lua, kTakenOfTable);
  return 0;
}

std::string LuaState::run(lua_CFunction function, int results) {
  lua_settop(lua_, 0);
  lua_pushcfunction(lua_, function);
  return call(results);
}

std::string LuaState::run_source(std::string_view source, const std::string& file) {
  lua_settop(lua_, 0);
  // The end of a long path says more than its beginning.
  constexpr std::size_t kNameMax = 200;
  const std::string name = "@" + (file.size() > kNameMax ? file.substr(file.size() - kNameMax) : file);
  if (luaL_loadbufferx(lua_, source.data(), source.size(), name.c_str(), "t") == LUA_OK) return call(0);
  if (std::exchange(long_string_, false)) return file + ": it has " + kLongString;
  const char* const text = lua_tostring(lua_, -1);
  return text == nullptr ? file + ": it does not compile" : text;
}

// The function is on the stack, and nothing else.
std::string LuaState::call(int results) {
  lua_sethook(lua_, &on_count, LUA_MASKCOUNT, instructions_max_);
  const int status = lua_pcall(lua_, 0, results, 0);
  if (status == LUA_OK) return {};
  if (status == LUA_ERRMEM && std::exchange(long_string_, false)) return std::string("it makes ") + kLongString;
  if (status == LUA_ERRMEM) return "it needs more than " + std::to_string(memory_max_ >> 10) + " KB of memory";
  // error() takes any value; a number would be made text, which may need memory that is not there.
  if (lua_type(lua_, -1) != LUA_TSTRING) return "it raised an error that is no text";
  return lua_tostring(lua_, -1);
}

}  // namespace hawser::quic

#endif  // HAWSER_HAVE_LUA
