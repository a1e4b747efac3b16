// datagram_traffic.h: DATAGRAM frames of a simulated application, and what is held against the transport for
// them: none arrives twice or changed, each comes to one end that was possible, in its flow's order and
// within its lifetime, and what was acknowledged has arrived.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "quic/connection/connection.h"
#include "sim/setup.h"
#include "sim/verdict.h"

namespace hawser::sim {

class DatagramTraffic {
 public:
  DatagramTraffic(quic::Role role, const ApplicationProfile& profile, Verdict& verdict, std::uint64_t seed)
      : role_(role), profile_(profile), verdict_(verdict), random_(seed) {}

  // Makes the flows that the profile asks for, drawn from the seed.
  void begin(quic::Connection& connection);
  // Sends up to `burst` of those that the profile asks for.
  void send(quic::Connection& connection, std::uint32_t burst);
  void on_received(Bytes payload);
  void on_reports(quic::Connection& connection, std::span<const quic::DatagramReport> reports);
  // After the connection's end at both sides.
  void check_arrivals(const DatagramTraffic& peer);

 private:
  struct Sent {
    quic::DatagramFlowId flow = 0;
    std::uint32_t size = 0;
    Timestamp pushed{};
    Duration lifetime{0};
    std::uint8_t fates = 0;  // bits as of quic::report_of
  };

  void on_report(const quic::DatagramReport& report, Timestamp now);
  void fail(const std::string& what);

  quic::Role role_;
  const ApplicationProfile& profile_;
  Verdict& verdict_;
  SeededRandom random_;
  std::vector<quic::DatagramFlow> flows_;    // by number
  std::vector<std::uint64_t> next_in_flow_;  // behind the latest that was sent
  std::vector<Sent> sent_;                   // by number
  std::vector<bool> received_;               // by number
  std::vector<std::uint8_t> payload_;
};

}  // namespace hawser::sim
