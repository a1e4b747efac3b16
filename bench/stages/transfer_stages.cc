// transfer_stages.cc: the whole way of a datagram through two endpoints in memory: assembling
// trains, receiving them, and the acknowledgements that go back.
#include "../../tests/alloc/memory_transfer.h"
#include "base/check.h"
#include "stage.h"

namespace hawser::stages {
namespace {

// Enough for windows and buffers to have grown to what they stay at.
constexpr std::uint64_t kWarmUp = 10'000;
constexpr std::uint64_t kPackets = 1'000;

// Measures one stage of a bulk transfer; per datagram with data, whichever stage it is.
class TransferStage final : public Work, quic::StageMeter {
 public:
  // Small windows: what is in flight stays in the cache, so that the protocol is measured and
  // not the memory. `datagram_size`: octets of the DATAGRAM frames that are sent, one in each packet; 0: a stream.
  TransferStage(quic::Stage measured, std::size_t datagram_size)
      : measured_(measured),
        transfer_({.stream_receive_window_max = ByteCount{1u << 20},
                   .connection_receive_window_max = ByteCount{3u << 19},
                   .max_datagram_frame_size = datagram_size == 0 ? 0 : quic::kAnyDatagramFrame}) {
    HAWSER_CHECK(transfer_.run_until_open());
    if (datagram_size == 0) {
      transfer_.start_sending();
    } else {
      transfer_.start_datagrams(datagram_size);
    }
    HAWSER_CHECK(transfer_.run_packets(kWarmUp));
    transfer_.set_meter(this);
  }
  std::uint64_t round(Meter& meter) override {
    meter_ = &meter;
    const std::uint64_t before = transfer_.datagrams_sent();
    HAWSER_CHECK(transfer_.run_packets(kPackets));
    return transfer_.datagrams_sent() - before;
  }

 private:
  void run(quic::Stage stage, void (*work)(void*), void* argument) override {
    if (stage == measured_) {
      meter_->run(work, argument);
    } else {
      work(argument);
    }
  }

  quic::Stage measured_;
  quic::Transfer transfer_;
  Meter* meter_ = nullptr;
};

template <quic::Stage kMeasured, std::size_t kDatagramSize = 0>
std::unique_ptr<Work> transfer() {
  return std::make_unique<TransferStage>(kMeasured, kDatagramSize);
}

// As media and tunnels have them; two do not fit into a packet.
constexpr std::size_t kDatagramSize = 1'000;

constexpr Stage kStages[] = {
    {"assemble a train of STREAM data", "packet", &transfer<quic::Stage::kSend>},
    {"receive a train of STREAM data", "packet", &transfer<quic::Stage::kReceive>},
    {"assemble a train of DATAGRAM frames", "packet", &transfer<quic::Stage::kSend, kDatagramSize>},
    {"receive a train of DATAGRAM frames", "packet", &transfer<quic::Stage::kReceive, kDatagramSize>},
    {"assemble ACK-only packets", "packet acknowledged", &transfer<quic::Stage::kSendAcks>},
    {"receive ACK-only packets", "packet acknowledged", &transfer<quic::Stage::kReceiveAcks>},
};

}  // namespace

std::span<const Stage> transfer_stages() {
  return kStages;
}

}  // namespace hawser::stages
