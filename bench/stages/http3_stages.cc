// http3_stages.cc: a small request and its response: QPACK alone, and the server's HTTP/3 with a
// transport that only hands over octets.
#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"
#include "http3/session.h"
#include "http3/session_core.h"
#include "http3/transport.h"
#include "stage.h"

namespace hawser::stages {
namespace {

using http3::Field;
using http3::FieldSection;
using http3::StreamId;

constexpr std::size_t kMessages = 64;  // of a round
constexpr std::size_t kTable = 4'096;

// What a load generator sends, and what a file server answers.
constexpr Field kRequest[] = {{":method", "GET"},   {":scheme", "https"},         {":authority", "localhost:4433"},
                              {":path", "/1k.bin"}, {"user-agent", "hawser/0.1"}, {"accept", "*/*"}};
constexpr Field kResponse[] = {{":status", "200"},
                               {"server", "hawser"},
                               {"content-type", "application/octet-stream"},
                               {"content-length", "1024"},
                               {"last-modified", "Sat, 21 Nov 2026 10:00:00 GMT"},
                               {"etag", "\"67432a10-400\""}};

enum class Side : std::uint8_t { kEncode, kDecode };

// One message after the other on a connection; table 0: static entries and literals only.
// With a table, steady state: everything that is worth it has been inserted and acknowledged.
class Qpack final : public Work {
 public:
  Qpack(Side side, http3::FieldList fields, std::size_t table)
      : side_(side), fields_(fields), encoder_({.table_capacity_max = table}), decoder_({.table_capacity_max = table}) {
    encoder_.on_peer_settings(table, 100);
    for (int i = 0; i < 4; ++i) {
      encode();
      decode();
    }
  }
  // All sections are encoded, then all decoded, so that a look at the clock covers many.
  std::uint64_t round(Meter& meter) override {
    if (side_ == Side::kEncode) {
      meter.measure([this] { encode(); });
      decode();
    } else {
      encode();
      meter.measure([this] { decode(); });
    }
    return kMessages;
  }

 private:
  void encode() {
    for (std::size_t i = 0; i < kMessages; ++i) {
      sections_[i].clear();
      encoder_.encode(next_stream_ + 4 * i, fields_, sections_[i]);
    }
  }
  void decode() {
    const Bytes insertions = encoder_.pending_encoder_stream();
    HAWSER_CHECK(insertions.empty() || decoder_.on_encoder_stream(insertions).has_value());
    encoder_.consume_encoder_stream(insertions.size());
    for (const std::vector<std::uint8_t>& section : sections_) {
      HAWSER_CHECK(decoder_.decode(next_stream_, section, decoded_).has_value());
      keep(decoded_.fields().data());
      next_stream_ += 4;
    }
    const Bytes answer = decoder_.pending_decoder_stream();
    HAWSER_CHECK(answer.empty() || encoder_.on_decoder_stream(answer).has_value());
    decoder_.consume_decoder_stream(answer.size());
  }

  Side side_;
  http3::FieldList fields_;
  http3::qpack::Encoder encoder_;
  http3::qpack::Decoder decoder_;
  std::array<std::vector<std::uint8_t>, kMessages> sections_;
  FieldSection decoded_;
  std::uint64_t next_stream_ = 0;
};

// Holds one request at a time and drops what is written.
class OctetTransport final : public http3::Transport {
 public:
  void set_request(Bytes octets) { left_ = octets; }

  std::expected<StreamId, quic::StreamError> open_stream(bool bidirectional) override {
    return StreamId::of(quic::Role::kServer, bidirectional, opened_++);
  }
  std::expected<std::size_t, quic::StreamError> write(StreamId, Bytes data, bool) override {
    written_ += data.size();
    return data.size();
  }
  std::expected<void, quic::StreamError> write(StreamId, SharedBytes data, bool) override {
    written_ += data.size();
    return {};
  }
  [[nodiscard]] std::size_t write_room(StreamId) const override { return 1u << 20; }
  void finish(StreamId) override {}
  void reset_stream(StreamId, std::uint64_t) override {}
  void stop_sending(StreamId, std::uint64_t) override {}
  std::size_t read_views(StreamId, std::span<Bytes> out) override {
    if (left_.empty()) return 0;
    out[0] = left_;
    return 1;
  }
  void consume(StreamId, std::size_t count) override { left_ = left_.subspan(count); }
  [[nodiscard]] bool at_end(StreamId id) const override { return id.is_bidirectional() && left_.empty(); }
  [[nodiscard]] bool has_all(StreamId id) const override { return id.is_bidirectional(); }
  void set_priority(StreamId, std::uint8_t, bool) override {}
  void keep_alive(bool) override {}
  [[nodiscard]] bool is_open() const override { return true; }
  void close(std::uint64_t, std::string_view) override { closed_ = true; }
  [[nodiscard]] Timestamp now() const override { return Timestamp{1s}; }

  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  Bytes left_;
  std::uint64_t opened_ = 0;
  std::uint64_t written_ = 0;
  bool closed_ = false;
};

// The server's session: a request of one HEADERS frame in, a response of 1 KiB out.
class ServeRequest final : public Work, http3::SessionHandler {
 public:
  ServeRequest() {
    http3::qpack::Encoder encoder;
    std::vector<std::uint8_t> section;
    encoder.encode(0, kRequest, section);
    http3::append_frame(request_, static_cast<std::uint64_t>(http3::FrameType::kHeaders), section);
    session_.core().on_handshake_complete();
    control_ = {0x00, 0x04, 0x00};  // the control stream's type, empty SETTINGS
    deliver(StreamId::of(quic::Role::kClient, false, 0), control_);
  }
  std::uint64_t round(Meter& meter) override {
    const std::uint64_t before = transport_.written();
    meter.measure([this] {
      for (std::size_t i = 0; i < kMessages; ++i) {
        const StreamId id = StreamId::of(quic::Role::kClient, true, next_request_++);
        deliver(id, request_);
        session_.core().on_stream_closed(id);
      }
    });
    HAWSER_CHECK(!transport_.closed() && transport_.written() - before > kMessages * body_.size());
    return kMessages;
  }

 private:
  void deliver(StreamId id, Bytes octets) {
    transport_.set_request(octets);
    session_.core().on_stream_opened(id);
    session_.core().on_stream_readable(id);
  }
  void on_headers(http3::Session& session, StreamId id, const http3::MessageHead& head, bool) override {
    HAWSER_CHECK(head.path == "/1k.bin");
    HAWSER_CHECK(session.respond(id, 200, http3::FieldList(kResponse).subspan(1), false).has_value());
    HAWSER_CHECK(session.write_body(id, SharedBytes(body_, nullptr), true).has_value());
  }

  std::vector<std::uint8_t> body_ = std::vector<std::uint8_t>(1'024, 0x5a);
  std::vector<std::uint8_t> control_;
  std::vector<std::uint8_t> request_;
  OctetTransport transport_;
  http3::Session session_{quic::Role::kServer, {.grease = false}, *this, transport_};
  std::uint64_t next_request_ = 0;
};

template <Side kSide, const auto& kFields, std::size_t kCapacity>
std::unique_ptr<Work> qpack() {
  return std::make_unique<Qpack>(kSide, kFields, kCapacity);
}

constexpr Stage kStages[] = {
    {"QPACK encode a request, static", "request", &qpack<Side::kEncode, kRequest, 0>},
    {"QPACK encode a request, dynamic", "request", &qpack<Side::kEncode, kRequest, kTable>},
    {"QPACK encode a response, static", "response", &qpack<Side::kEncode, kResponse, 0>},
    {"QPACK encode a response, dynamic", "response", &qpack<Side::kEncode, kResponse, kTable>},
    {"QPACK decode a request, static", "request", &qpack<Side::kDecode, kRequest, 0>},
    {"QPACK decode a request, dynamic", "request", &qpack<Side::kDecode, kRequest, kTable>},
    {"QPACK decode a response, static", "response", &qpack<Side::kDecode, kResponse, 0>},
    {"QPACK decode a response, dynamic", "response", &qpack<Side::kDecode, kResponse, kTable>},
    {"HTTP/3 request in, response out", "request",
     []() -> std::unique_ptr<Work> { return std::make_unique<ServeRequest>(); }},
};

}  // namespace

std::span<const Stage> http3_stages() {
  return kStages;
}

}  // namespace hawser::stages
