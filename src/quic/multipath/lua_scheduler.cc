// lua_scheduler.cc: the facts of the paths as Lua tables, the question to the script, and what becomes of its answer.
#include "quic/multipath/lua_scheduler.h"

#ifdef HAWSER_HAVE_LUA

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "quic/multipath/arrival.h"
#include "quic/multipath/lua_state.h"
#include "quic/multipath/min_rtt.h"
#include "quic/multipath/path_notes.h"

namespace hawser::quic {
namespace {

// Where the script's function and the tables that it is called with are kept, by their address.
constexpr char kChoose = 0;
constexpr char kPaths = 0;
constexpr char kDemand = 0;

double in_ms(Duration duration) {
  return to_seconds(duration) * 1e3;
}

void set(lua_State* lua, const char* name, double value) {
  lua_pushnumber(lua, value);
  lua_setfield(lua, -2, name);
}
void set_count(lua_State* lua, const char* name, std::uint64_t value) {
  lua_pushinteger(lua, static_cast<lua_Integer>(std::min<std::uint64_t>(value, LUA_MAXINTEGER)));
  lua_setfield(lua, -2, name);
}
void set_flag(lua_State* lua, const char* name, bool value) {
  lua_pushboolean(lua, value ? 1 : 0);
  lua_setfield(lua, -2, name);
}
void set_text(lua_State* lua, const char* name, std::string_view value) {
  lua_pushlstring(lua, value.data(), value.size());
  lua_setfield(lua, -2, name);
}

// Milliseconds until `when`; no number that Lua calls infinite is larger.
void set_wait(lua_State* lua, const char* name, Timestamp when, Timestamp now) {
  set(lua, name, when == kNever ? HUGE_VAL : std::max(in_ms(when - now), 0.0));
}

std::string_view name_of(DemandKind kind) {
  constexpr std::array<std::string_view, 3> kNames = {"stream", "datagram", "control"};
  return kNames[static_cast<std::size_t>(kind)];
}

class LuaScheduler final : public PathScheduler {
 public:
  LuaScheduler(std::string_view name, const LuaScript& script);

  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  void on_sent(PathId id, std::uint64_t octets, Timestamp) override { notes_[id].octets += octets; }
  void on_path_gone(PathId id) override { notes_.forget(id); }
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::string_view failure() const override { return failure_; }
  [[nodiscard]] std::size_t memory() const override {
    return sizeof(*this) + name_.capacity() + (state_ == nullptr ? 0 : sizeof(LuaState) + state_->memory());
  }

 private:
  struct Note {
    std::uint64_t octets = 0;
  };

  static LuaScheduler& self_of(lua_State* lua) { return *static_cast<LuaScheduler*>(LuaState::owner_of(lua)); }
  static int prepare(lua_State* lua);
  static int keep_function(lua_State* lua);
  static int ask(lua_State* lua);
  void fill_path(lua_State* lua, const PathFacts& path);
  void fill_demand(lua_State* lua) const;
  void give_up(std::string why);
  Schedule read_answer();
  Schedule wrong(std::string_view what);

  static const PathFacts& path_argument(lua_State* lua);
  static int arrival_ms(lua_State* lua);
  static int wait_ms(lua_State* lua);
  static int is_silent(lua_State* lua);
  static int fastest(lua_State* lua);

  std::string name_;
  std::string file_;
  std::unique_ptr<LuaState> state_;  // null: gave up
  std::string failure_;
  bool untold_ = false;
  MinRttScheduler fallback_;
  PathNotes<Note> notes_;
  // During a question: what is asked, and which path has which position in the script's table.
  const SchedulerView* view_ = nullptr;
  std::array<std::size_t, kMaxScheduledPaths> position_{};
  std::size_t positions_ = 0;
};

LuaScheduler::LuaScheduler(std::string_view name, const LuaScript& script)
    : name_(name), file_(script.file), state_(std::make_unique<LuaState>(this, kLuaMemoryMax, kLuaInstructionsMax)) {
  if (state_->handle() == nullptr) {
    give_up("there is no memory for Lua");
    return;
  }
  std::string error = state_->run(&prepare, 0);
  if (error.empty()) error = state_->run_source(script.source, script.file);
  if (error.empty()) error = state_->run(&keep_function, 0);
  if (!error.empty()) give_up(std::move(error));
}

void LuaScheduler::give_up(std::string why) {
  failure_ = why.starts_with(file_) ? std::move(why) : file_ + ": " + why;
  untold_ = true;
  state_.reset();
}

// Before the script's body: the helpers, and the tables that each question fills anew.
int LuaScheduler::prepare(lua_State* lua) {
  constexpr luaL_Reg kHelpers[] = {{"arrival_ms", &arrival_ms},
                                   {"wait_ms", &wait_ms},
                                   {"is_silent", &is_silent},
                                   {"fastest", &fastest},
                                   {nullptr, nullptr}};
  luaL_newlib(lua, kHelpers);
  lua_setglobal(lua, "hawser");
  lua_newtable(lua);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &kPaths);
  lua_newtable(lua);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &kDemand);
  return 0;
}

int LuaScheduler::keep_function(lua_State* lua) {
  if (lua_getglobal(lua, "choose") != LUA_TFUNCTION)
    return luaL_error(lua, "it has no function choose(paths, demand, now_ms)");
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &kChoose);
  return 0;
}

Schedule LuaScheduler::choose(const SchedulerView& view) {
  if (state_ != nullptr) {
    view_ = &view;
    positions_ = 0;
    for (const std::size_t index : view.candidates) position_[positions_++] = index;
    std::string error = state_->run(&ask, 2);
    const Schedule answer = error.empty() ? read_answer() : Schedule{};
    view_ = nullptr;
    if (!error.empty()) give_up(std::move(error));
    if (state_ != nullptr) {
      state_->drop_results();
      return answer;
    }
  }
  Schedule answer = fallback_.choose(view);
  answer.gave_up = std::exchange(untold_, false);
  return answer;
}

// Calls the script with the tables of the question, which are the same objects each time.
int LuaScheduler::ask(lua_State* lua) {
  LuaScheduler& self = self_of(lua);
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &kChoose);
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &kPaths);
  for (std::size_t i = 0; i < self.positions_; ++i) {
    if (lua_rawgeti(lua, -1, static_cast<lua_Integer>(i + 1)) != LUA_TTABLE) {
      lua_pop(lua, 1);
      lua_newtable(lua);
      lua_pushvalue(lua, -1);
      lua_rawseti(lua, -3, static_cast<lua_Integer>(i + 1));
    }
    self.fill_path(lua, self.view_->path(self.position_[i]));
    lua_pop(lua, 1);
  }
  for (auto left = static_cast<lua_Integer>(self.positions_ + 1); lua_rawgeti(lua, -1, left) != LUA_TNIL; ++left) {
    lua_pop(lua, 1);
    lua_pushnil(lua);
    lua_rawseti(lua, -2, left);
  }
  lua_pop(lua, 1);
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &kDemand);
  self.fill_demand(lua);
  lua_pushnumber(lua, in_ms(self.view_->now.time_since_epoch()));
  lua_call(lua, 3, 2);
  return 2;
}

void LuaScheduler::fill_path(lua_State* lua, const PathFacts& path) {
  set_count(lua, "id", path.id.value);
  set_text(lua, "state", to_string(path.state));
  set_flag(lua, "backup", path.status == PathStatus::kBackup);
  set_flag(lua, "ready", path.may_send);
  set_wait(lua, "ready_in_ms", path.may_send ? view_->now : path.may_send_at, view_->now);
  set(lua, "rtt_ms", in_ms(path.smoothed_rtt));
  set(lua, "rtt_variation_ms", in_ms(path.rtt_variation));
  set(lua, "min_rtt_ms", in_ms(path.min_rtt));
  set_count(lua, "window", path.congestion_window);
  set_count(lua, "in_flight", path.bytes_in_flight);
  set_count(lua, "room", path.room());
  set_count(lua, "bytes_per_second", path.bytes_per_second);
  set(lua, "loss", path.loss);
  set_count(lua, "mtu", path.mtu);
  set_count(lua, "weight", path.weight);
  set_count(lua, "cost", path.cost);
  set_count(lua, "sent", notes_[path.id].octets);
}

void LuaScheduler::fill_demand(lua_State* lua) const {
  const Demand& demand = view_->demand;
  set_text(lua, "kind", name_of(demand.kind));
  set_flag(lua, "interactive", demand.interactive);
  set_count(lua, "flow", demand.flow);
  set_count(lua, "bytes_waiting", demand.bytes_waiting);
  set_count(lua, "flow_control_room", demand.flow_control_room);
  set_wait(lua, "deadline_in_ms", demand.deadline, view_->now);
}

Schedule LuaScheduler::wrong(std::string_view what) {
  give_up(file_ + ": choose() " + std::string(what));
  return {};
}

// A position, and perhaps a budget; or nil, and perhaps how long to wait.
Schedule LuaScheduler::read_answer() {
  lua_State* const lua = state_->handle();
  if (lua_type(lua, 1) == LUA_TNIL) {
    if (lua_type(lua, 2) == LUA_TNIL) return Schedule::wait(view_->next_change());
    const double wait = lua_type(lua, 2) == LUA_TNUMBER ? lua_tonumber(lua, 2) : -1;
    // Written so that what is not a number is wrong too. Below a tenth of a millisecond it would be asked in a circle.
    if (!(wait > 0)) return wrong("gave nil and no number of milliseconds above 0 to wait for");
    constexpr double kWaitMsMin = 0.1;
    constexpr double kWaitMsMax = 60'000;
    const auto ns = static_cast<std::int64_t>(std::clamp(wait, kWaitMsMin, kWaitMsMax) * 1e6);
    return Schedule::wait(view_->now + Duration{ns});
  }
  int whole = 0;
  const lua_Integer position = lua_type(lua, 1) == LUA_TNUMBER ? lua_tointegerx(lua, 1, &whole) : 0;
  if (whole == 0 || position < 1 || static_cast<std::size_t>(position) > positions_)
    return wrong("gave neither nil nor a position in paths, 1 to " + std::to_string(positions_));
  const std::size_t index = position_[static_cast<std::size_t>(position) - 1];
  const PathFacts& path = view_->path(index);
  // It means to wait for this one.
  if (!path.may_send) return Schedule::wait(path.may_send_at);
  std::uint64_t budget = path.mtu;
  if (lua_type(lua, 2) != LUA_TNIL) {
    const double octets = lua_type(lua, 2) == LUA_TNUMBER ? lua_tonumber(lua, 2) : -1;
    if (!(octets > 0)) return wrong("gave a budget that is no number of octets above 0");
    budget = static_cast<std::uint64_t>(std::min(octets, 1e15));
  }
  return Schedule::on(index, budget);
}

// Helpers, on positions in `paths`. --------------------------------------------------------------------

const PathFacts& LuaScheduler::path_argument(lua_State* lua) {
  const LuaScheduler& self = self_of(lua);
  if (self.view_ == nullptr) luaL_error(lua, "only inside choose()");
  const lua_Integer position = luaL_checkinteger(lua, 1);
  luaL_argcheck(lua, position >= 1 && static_cast<std::size_t>(position) <= self.positions_, 1, "no such path");
  return self.view_->path(self.position_[static_cast<std::size_t>(position) - 1]);
}

int LuaScheduler::arrival_ms(lua_State* lua) {
  const PathFacts& path = path_argument(lua);
  const lua_Integer octets = luaL_checkinteger(lua, 2);
  luaL_argcheck(lua, octets >= 0, 2, "octets are 0 and more");
  lua_pushnumber(lua, in_ms(expected_arrival(path, static_cast<std::uint64_t>(octets), self_of(lua).view_->now)));
  return 1;
}

int LuaScheduler::wait_ms(lua_State* lua) {
  lua_pushnumber(lua, in_ms(expected_wait(path_argument(lua), self_of(lua).view_->now)));
  return 1;
}

int LuaScheduler::is_silent(lua_State* lua) {
  lua_pushboolean(lua, quic::is_silent(path_argument(lua), self_of(lua).view_->now) ? 1 : 0);
  return 1;
}

int LuaScheduler::fastest(lua_State* lua) {
  const LuaScheduler& self = self_of(lua);
  if (self.view_ == nullptr) return luaL_error(lua, "only inside choose()");
  const PathSet ready = self.view_->ready();
  if (ready.empty()) {
    lua_pushnil(lua);
    return 1;
  }
  const std::size_t best = self.view_->fastest(ready);
  const auto found = std::find(self.position_.begin(), self.position_.begin() + self.positions_, best);
  lua_pushinteger(lua, found - self.position_.begin() + 1);
  return 1;
}

struct NamedScript {
  std::string name;
  LuaScript script;
};

std::unique_ptr<PathScheduler> make_from(const void* context) {
  const auto& named = *static_cast<const NamedScript*>(context);
  return std::make_unique<LuaScheduler>(named.name, named.script);
}

}  // namespace

bool has_lua() {
  return true;
}

std::unique_ptr<PathScheduler> make_lua_scheduler(std::string_view name, const LuaScript& script) {
  return std::make_unique<LuaScheduler>(name, script);
}

std::expected<void, ConfigError> check_lua_script(const LuaScript& script) {
  if (script.source.size() > kLuaSourceMax)
    return std::unexpected(ConfigError{script.file + ": a script has at most 65,536 octets"});
  const LuaScheduler trial("", script);
  if (!trial.failure().empty()) return std::unexpected(ConfigError{std::string(trial.failure())});
  return {};
}

std::expected<void, ConfigError> add_lua_scheduler(std::string_view name, LuaScript script) {
  HAWSER_TRY_VOID(check_lua_script(script));
  auto named = std::make_unique<NamedScript>(std::string(name), std::move(script));
  HAWSER_TRY_VOID(add_path_scheduler(name, &make_from, named.get()));
  // The table of names keeps it to the end of the process.
  static_cast<void>(named.release());
  return {};
}

}  // namespace hawser::quic

#else

namespace hawser::quic {

bool has_lua() {
  return false;
}

std::unique_ptr<PathScheduler> make_lua_scheduler(std::string_view, const LuaScript&) {
  return nullptr;
}

std::expected<void, ConfigError> check_lua_script(const LuaScript& script) {
  return std::unexpected(ConfigError{script.file + ": this build has no Lua; it takes liblua5.4-dev"});
}

std::expected<void, ConfigError> add_lua_scheduler(std::string_view, LuaScript script) {
  return check_lua_script(script);
}

}  // namespace hawser::quic

#endif  // HAWSER_HAVE_LUA
