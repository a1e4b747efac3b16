// lying_peer.h: a peer that breaks rules on purpose. An honest client and server complete a
// handshake in memory; the key log then lets a liar speak in the place of either of them,
// with any frames in any packet, and the honest side's verdict is read off its close reason.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quic/crypto/packet_protection.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

// Octets of frames, written as hexadecimal with helpers for the variable parts.
std::string varint_hex(std::uint64_t value);
std::string bytes_hex(std::size_t count, std::uint8_t value = 0);

// Remembers what it was told; reads nothing unless asked to.
struct Witness : ConnectionHandler {
  bool complete = false;
  bool reads = true;
  std::optional<CloseReason> closed;
  std::vector<StreamId> opened;
  std::function<void(Connection&)> on_complete;

  void on_handshake_complete(Connection& c) override {
    complete = true;
    if (on_complete) on_complete(c);
  }
  void on_stream_opened(Connection&, StreamId id) override { opened.push_back(id); }
  void on_stream_readable(Connection& c, StreamId id) override {
    if (!reads) return;
    std::array<std::uint8_t, 4096> sink;
    while (c.read(id, sink) != 0) {
    }
  }
  void on_closed(Connection&, const CloseReason& reason) override { closed = reason; }
};

// Client and server endpoints over a network without delay or loss, and a liar on the wire.
class Theatre : public AcceptHandler {
 public:
  struct Options {
    ConnectionConfig client;
    ConnectionConfig server;
    RetryPolicy retry = RetryPolicy::kNever;
    std::size_t stream_memory_max = EndpointConfig{}.stream_memory_max;
    std::string alpn = "test";
    Ecn ecn = Ecn::kNotEct;                     // what every datagram arrives with, until it is changed
    std::string server_groups{kDefaultGroups};  // of the key exchange
    // Who handles a side in place of its witness; not owned.
    ConnectionHandler* client_handler = nullptr;
    ConnectionHandler* server_handler = nullptr;
  };
  Theatre() : Theatre(Options()) {}
  explicit Theatre(const Options& options);

  // Runs the honest pair until nothing more happens now; a handshake takes one call.
  void settle();
  // Lets time pass, timers included.
  void pass(Duration time);
  // Handshake to confirmation; aborts the test's process if the honest pair fails.
  void open();

  // The liar, as `liar`, sends one packet of `level` with these frames to the other side,
  // under a fresh packet number unless one is given.
  void lie(Role liar, EncryptionLevel level, std::string_view frames_hex,
           std::optional<std::uint64_t> number = std::nullopt);
  // The same with a first octet of its own making, before header protection.
  void lie_with_first_octet(Role liar, std::string_view frames_hex, std::uint8_t set_bits);
  // A packet in which more than the frames is made up; what is not given is as the honest side has it.
  struct Forgery {
    EncryptionLevel level = EncryptionLevel::kOneRtt;
    std::string frames_hex;
    std::optional<std::uint64_t> number;
    std::optional<Version> version;
    std::optional<Version> version_of_keys;  // as `version` if not given
    std::optional<ConnectionId> scid, dcid;
    std::vector<std::uint8_t> token;
    PathId path = kInitialPathId;  // whose nonce seals it; the connection ID has to be given as well
    std::uint8_t set_bits = 0;
    bool pad = true;  // an Initial to 1,200 octets
  };
  std::vector<std::uint8_t> forge(Role liar, const Forgery& forgery);
  void lie(Role liar, const Forgery& forgery) { inject(liar, forge(liar, forgery)); }
  // A datagram as it stands, to the server or the client.
  void inject(Role liar, std::vector<std::uint8_t> datagram);
  void inject_from(Role liar, std::vector<std::uint8_t> datagram, const SocketAddress& from);
  // `tuple` as the receiver sees it.
  void inject_on(Role liar, std::vector<std::uint8_t> datagram, const FourTuple& tuple);
  // Sees every datagram as it leaves, whether it is delivered or not.
  std::function<void(Role from, Bytes, const FourTuple& tuple)> on_sent;
  Ecn ecn;  // what every datagram arrives with
  std::vector<std::string> key_log_lines;
  // Stops delivery from the honest side that the liar replaces, so that it cannot interfere.
  void silence(Role honest) { silenced_[static_cast<std::size_t>(honest)] = true; }
  void speak_again(Role honest) { silenced_[static_cast<std::size_t>(honest)] = false; }
  // What a side sent first of all, delivered or not.
  [[nodiscard]] const std::vector<std::uint8_t>& first_datagram(Role from) const {
    return first_datagram_[static_cast<std::size_t>(from)];
  }
  // Stops delivery of everything but the first `count` datagrams of a side.
  void deliver_only(Role from, std::size_t count) { allowance_[static_cast<std::size_t>(from)] = count; }

  // How the victim of `liar` ended, if it did.
  [[nodiscard]] const std::optional<CloseReason>& verdict(Role liar) const {
    return liar == Role::kClient ? server_witness.closed : client_witness.closed;
  }

  Witness client_witness;
  Witness server_witness;
  Connection* client = nullptr;
  Connection* server = nullptr;
  std::unique_ptr<Endpoint> client_endpoint;
  std::unique_ptr<Endpoint> server_endpoint;
  Timestamp now{100s};
  SeededRandom random{7};

  ConnectionHandler* on_accept(Connection& connection) override {
    server = &connection;
    return options_.server_handler != nullptr ? options_.server_handler : &server_witness;
  }

  // Keys by key log label, as of the last handshake.
  std::map<std::string, std::vector<std::uint8_t>> secrets;
  static void key_log(void* context, std::string_view line);

 private:
  struct Wire {
    Role from;
    std::vector<std::uint8_t> octets;
  };
  void flush(Role from);
  void deliver(const Wire& wire);
  void deliver(const Wire& wire, const FourTuple& tuple);
  void learn_cids(const Wire& wire);
  [[nodiscard]] DirectionKeys keys_of(Role liar, EncryptionLevel level, Version version) const;

  Options options_;
  std::optional<TlsServerContext> server_tls_;
  std::optional<TlsClientContext> client_tls_;
  std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(65'536);  // for a train
  std::vector<Wire> queue_;
  bool silenced_[2] = {false, false};
  std::size_t allowance_[2] = {SIZE_MAX, SIZE_MAX};
  std::uint64_t next_number_[2] = {10'000, 10'000};
  std::vector<std::uint8_t> first_datagram_[2];
  ConnectionId original_dcid_;
  ConnectionId client_cid_;  // where packets to the client go
  ConnectionId server_cid_;
};

}  // namespace hawser::quic
