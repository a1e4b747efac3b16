// testing_transport.h: two ends of a connection in memory, for tests: streams are byte queues that
// are delivered in pieces of any size, and a test may play one end by hand.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "http3/session.h"
#include "http3/session_core.h"
#include "http3/transport.h"

namespace hawser::http3::testing {

using quic::Role;
using quic::StreamError;

struct Pipe {
  std::vector<std::uint8_t> queued;     // written, not delivered
  std::vector<std::uint8_t> delivered;  // and not consumed
  bool fin_queued = false;
  bool fin_delivered = false;
  std::optional<std::uint64_t> reset;
  std::optional<std::uint64_t> stop;
  bool reset_told = false;
  bool stop_told = false;
  bool cut_short = false;

  [[nodiscard]] bool sent_all() const { return reset_told || (fin_delivered && queued.empty()); }
  [[nodiscard]] bool read_all() const { return reset_told || stop || (fin_delivered && delivered.empty()); }
};

class Link;

class End final : public Transport {
 public:
  End(Link& link, Role role) : link_(link), role_(role) {}

  std::expected<StreamId, StreamError> open_stream(bool bidirectional) override;
  std::expected<std::size_t, StreamError> write(StreamId id, Bytes data, bool fin) override;
  std::expected<void, StreamError> write(StreamId id, SharedBytes data, bool fin) override;
  [[nodiscard]] std::size_t write_room(StreamId id) const override;
  void finish(StreamId id) override { out(id).fin_queued = true; }
  void reset_stream(StreamId id, std::uint64_t code) override;
  void stop_sending(StreamId id, std::uint64_t code) override;
  std::size_t read_views(StreamId id, std::span<Bytes> views) override;
  void consume(StreamId id, std::size_t count) override;
  [[nodiscard]] bool at_end(StreamId id) const override;
  [[nodiscard]] bool has_all(StreamId id) const override;
  void set_priority(StreamId id, std::uint8_t urgency, bool incremental) override {
    priorities[id.value] = {urgency, incremental};
  }
  void keep_alive(bool on) override { kept_alive = on; }
  void close(std::uint64_t code, std::string_view reason) override;
  [[nodiscard]] Timestamp now() const override;

  [[nodiscard]] Pipe& out(StreamId id) const;
  [[nodiscard]] Pipe& in(StreamId id) const;

  SessionCore* core = nullptr;
  std::size_t stream_limit_bidi = 100;
  std::size_t stream_limit_uni = 100;
  std::size_t send_buffer = 1 << 20;
  std::map<std::uint64_t, Priority> priorities;
  bool kept_alive = false;
  std::optional<std::uint64_t> closed_with;
  std::string close_reason;
  std::map<std::uint64_t, bool> told_opened;
  std::map<std::uint64_t, bool> told_closed;
  std::map<std::uint64_t, bool> forgotten;  // streams whose close was told: nothing is known of them

 private:
  friend class Link;
  Link& link_;
  Role role_;
  std::uint64_t next_bidi_ = 0;
  std::uint64_t next_uni_ = 0;
};

// `piece`: octets that one delivery brings at most; 0: everything at once.
class Link {
 public:
  explicit Link(std::size_t piece_size = 0, std::uint64_t seed = 1)
      : piece(piece_size), random_(seed), client(*this, Role::kClient), server(*this, Role::kServer) {}

  // Delivers until nothing moves.
  void pump() {
    for (int rounds = 0; rounds < 100'000 && step(); ++rounds) {
    }
  }

  bool step() {
    bool moved = false;
    std::vector<std::uint64_t> ids;
    for (const auto& [key, pipe] : pipes_) ids.push_back(key >> 1);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const std::uint64_t id : ids) {
      moved |= deliver(client, server, StreamId{id});
      moved |= deliver(server, client, StreamId{id});
    }
    return moved;
  }

  // One direction of a stream; `from` says who sends.
  Pipe& pipe(Role from, StreamId id) { return pipes_[id.value << 1 | (from == Role::kServer ? 1 : 0)]; }
  bool has(StreamId id) const { return pipes_.contains(id.value << 1) || pipes_.contains(id.value << 1 | 1); }

  std::size_t piece;
  Timestamp time{};

 private:
  // Every event of a stream from one end to the other.
  bool deliver(End& from, End& to, StreamId id) {
    if (from.closed_with || to.closed_with) return false;
    bool moved = false;
    if (id.is_bidirectional() || id.initiator() == from.role_) moved |= deliver_data(from, to, id);
    moved |= deliver_closed(from, id);
    return moved | deliver_closed(to, id);
  }

  bool deliver_data(End& from, End& to, StreamId id) {
    Pipe& p = pipe(from.role_, id);
    bool moved = false;
    if (p.stop && !p.stop_told) {
      p.stop_told = moved = true;
      if (!p.reset) p.reset = p.stop;
      if (from.core != nullptr) from.core->on_stop_sending(id, *p.stop);
    }
    if (p.reset && !p.reset_told) {
      p.reset_told = true;
      open(to, id);
      p.queued.clear();
      p.delivered.clear();
      if (to.core != nullptr && !p.stop) to.core->on_stream_reset(id, *p.reset);
      return true;
    }
    if (p.reset_told || (p.queued.empty() && (!p.fin_queued || p.fin_delivered))) return moved;
    open(to, id);
    std::size_t count = p.queued.size();
    if (piece > 0) count = std::min<std::size_t>(count, 1 + random_.below(piece));
    if (!p.stop)
      p.delivered.insert(p.delivered.end(), p.queued.begin(), p.queued.begin() + static_cast<std::ptrdiff_t>(count));
    p.queued.erase(p.queued.begin(), p.queued.begin() + static_cast<std::ptrdiff_t>(count));
    p.fin_delivered = p.fin_queued && p.queued.empty();
    if (to.core != nullptr && !p.stop) to.core->on_stream_readable(id);
    if (from.core != nullptr && p.cut_short && p.queued.size() <= from.send_buffer / 2) {
      p.cut_short = false;
      from.core->on_stream_writable(id);
    }
    return true;
  }

  void open(End& to, StreamId id) {
    if (id.initiator() == to.role_ || to.told_opened[id.value]) return;
    to.told_opened[id.value] = true;
    if (to.core != nullptr) to.core->on_stream_opened(id);
  }

  bool deliver_closed(End& end, StreamId id) {
    if (end.told_closed[id.value]) return false;
    const bool local = id.initiator() == end.role_;
    const bool sent = (!id.is_bidirectional() && !local) || end.out(id).sent_all();
    const bool read = (!id.is_bidirectional() && local) || end.in(id).read_all();
    if (!sent || !read) return false;
    end.told_closed[id.value] = true;
    if (end.core != nullptr) end.core->on_stream_closed(id);
    end.forgotten[id.value] = true;
    return true;
  }

  std::map<std::uint64_t, Pipe> pipes_;
  SeededRandom random_;

 public:
  End client;
  End server;
};

inline Pipe& End::out(StreamId id) const {
  return link_.pipe(role_, id);
}
inline Pipe& End::in(StreamId id) const {
  return link_.pipe(quic::peer_of(role_), id);
}
inline Timestamp End::now() const {
  return link_.time;
}

inline std::expected<StreamId, StreamError> End::open_stream(bool bidirectional) {
  std::uint64_t& next = bidirectional ? next_bidi_ : next_uni_;
  if (next >= (bidirectional ? stream_limit_bidi : stream_limit_uni)) return std::unexpected(StreamError::kLimit);
  const StreamId id = StreamId::of(role_, bidirectional, next++);
  (void)out(id);  // so that it is known to the link
  return id;
}

inline std::expected<std::size_t, StreamError> End::write(StreamId id, Bytes data, bool fin) {
  Pipe& p = out(id);
  if (p.reset) return std::unexpected(StreamError::kStopped);
  if (p.fin_queued) return std::unexpected(StreamError::kFinished);
  const std::size_t take = std::min(data.size(), write_room(id));
  p.cut_short |= take < data.size();
  p.queued.insert(p.queued.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(take));
  if (fin && take == data.size()) p.fin_queued = true;
  return take;
}

inline std::expected<void, StreamError> End::write(StreamId id, SharedBytes data, bool fin) {
  Pipe& p = out(id);
  if (p.reset) return std::unexpected(StreamError::kStopped);
  if (p.fin_queued) return std::unexpected(StreamError::kFinished);
  p.cut_short |= data.size() >= write_room(id);
  p.queued.insert(p.queued.end(), data.data(), data.data() + data.size());
  if (fin) p.fin_queued = true;
  return {};
}

inline std::size_t End::write_room(StreamId id) const {
  const std::size_t queued = out(id).queued.size();
  return queued < send_buffer ? send_buffer - queued : 0;
}

inline void End::reset_stream(StreamId id, std::uint64_t code) {
  Pipe& p = out(id);
  if (!p.reset && !p.sent_all()) p.reset = code;
}

inline void End::stop_sending(StreamId id, std::uint64_t code) {
  Pipe& p = in(id);
  if (p.stop || p.read_all()) return;
  p.stop = code;
  p.delivered.clear();
}

inline std::size_t End::read_views(StreamId id, std::span<Bytes> views) {
  const Pipe& p = in(id);
  if (p.reset_told || p.stop) return 0;
  std::size_t count = 0;
  // Pieces of 7 octets, so that what is read does not stand in one piece either.
  const std::size_t step = link_.piece == 0 ? p.delivered.size() : 7;
  for (std::size_t at = 0; at < p.delivered.size() && count < views.size(); at += step) {
    views[count++] = Bytes{p.delivered}.subspan(at, std::min(step, p.delivered.size() - at));
  }
  return count;
}

inline void End::consume(StreamId id, std::size_t count) {
  Pipe& p = in(id);
  HAWSER_CHECK(count <= p.delivered.size());
  p.delivered.erase(p.delivered.begin(), p.delivered.begin() + static_cast<std::ptrdiff_t>(count));
}

inline bool End::at_end(StreamId id) const {
  const Pipe& p = in(id);
  return !forgotten.contains(id.value) && p.fin_delivered && p.delivered.empty() && !p.stop && !p.reset_told;
}

inline bool End::has_all(StreamId id) const {
  const Pipe& p = in(id);
  return !forgotten.contains(id.value) && p.fin_delivered && !p.stop && !p.reset_told;
}

inline void End::close(std::uint64_t code, std::string_view reason) {
  if (closed_with) return;
  closed_with = code;
  close_reason = reason;
}

}  // namespace hawser::http3::testing
