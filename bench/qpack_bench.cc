// qpack_bench.cc: what a field section costs: static only, with a dynamic table, Huffman alone.
// room: qpack
#include <benchmark/benchmark.h>

#include <vector>

#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"
#include "http3/qpack/huffman.h"
#include "http3/qpack/qif.h"

namespace hawser::http3::qpack {
namespace {

struct Requests {
  std::vector<QifList> lists = generate_browser_requests(1'000, 1);
  std::vector<std::vector<Field>> fields;

  Requests() {
    for (const QifList& list : lists) {
      std::vector<Field> views;
      for (const QifField& f : list) views.push_back({f.name, f.value});
      fields.push_back(std::move(views));
    }
  }
};

// One connection, each request encoded, decoded and acknowledged. Counters: octets a request
// and requests a second, one core doing both ends.
void request_there_and_acknowledged(benchmark::State& state) {
  const Requests requests;
  const auto capacity = static_cast<std::size_t>(state.range(0));
  Encoder encoder({.table_capacity_max = capacity});
  encoder.on_peer_settings(capacity, 100);
  Decoder decoder({.table_capacity_max = capacity});
  FieldSection decoded;
  std::vector<std::uint8_t> section;
  std::uint64_t stream_id = 0;
  std::size_t octets = 0;
  std::size_t i = 0;
  for (auto _ : state) {
    section.clear();
    encoder.encode(stream_id, requests.fields[i], section);
    const Bytes insertions = encoder.pending_encoder_stream();
    octets += section.size() + insertions.size();
    if (!decoder.on_encoder_stream(insertions) || !decoder.decode(stream_id, section, decoded))
      state.SkipWithError("decoding failed");
    encoder.consume_encoder_stream(insertions.size());
    const Bytes answer = decoder.pending_decoder_stream();
    if (!encoder.on_decoder_stream(answer)) state.SkipWithError("acknowledging failed");
    decoder.consume_decoder_stream(answer.size());
    benchmark::DoNotOptimize(decoded.fields().data());
    stream_id += 4;
    i = (i + 1) % requests.fields.size();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["octets"] = static_cast<double>(octets) / static_cast<double>(state.iterations());
}
BENCHMARK(request_there_and_acknowledged)->Arg(0)->Arg(4'096)->Arg(16'384);

// What a small response costs each side alone.
const Field kResponse[] = {
    {":status", "200"}, {"content-type", "text/plain"}, {"content-length", "1024"}, {"server", "hawser"}};

void encode_small_response(benchmark::State& state) {
  Encoder encoder;
  std::vector<std::uint8_t> section;
  for (auto _ : state) {
    section.clear();
    encoder.encode(0, kResponse, section);
    benchmark::DoNotOptimize(section.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_small_response);

void decode_small_response(benchmark::State& state) {
  Encoder encoder;
  std::vector<std::uint8_t> section;
  encoder.encode(0, kResponse, section);
  Decoder decoder;
  FieldSection decoded;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder.decode(0, section, decoded));
    benchmark::DoNotOptimize(decoded.fields().data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_small_response);

constexpr std::string_view kText = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0";

void huffman_encode_user_agent(benchmark::State& state) {
  std::vector<std::uint8_t> out(kText.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(huffman_size(kText));
    benchmark::DoNotOptimize(huffman_encode(kText, out.data()));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kText.size()));
}
BENCHMARK(huffman_encode_user_agent);

void huffman_decode_user_agent(benchmark::State& state) {
  std::vector<std::uint8_t> coded(huffman_size(kText));
  huffman_encode(kText, coded.data());
  std::vector<char> out(huffman_decoded_max(coded.size()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(huffman_decode(coded, out.data()));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kText.size()));
}
BENCHMARK(huffman_decode_user_agent);

}  // namespace
}  // namespace hawser::http3::qpack
