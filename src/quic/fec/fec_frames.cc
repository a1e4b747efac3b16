// fec_frames.cc: reads and writes the parameter and the frames.
#include "quic/fec/fec_frames.h"

#include "base/reader.h"
#include "base/writer.h"

namespace hawser::quic {

namespace {

std::unexpected<TransportError> bad(std::uint64_t type, std::string_view reason) {
  return std::unexpected(TransportError{TransportErrorCode::kFrameEncodingError, type, reason});
}

}  // namespace

Parsed<FecParameter> parse_fec_parameter(Bytes body) {
  Reader in(body);
  FecParameter parameter;
  if (!in.varint(parameter.schemes) || !in.empty())
    return std::unexpected(
        TransportError{TransportErrorCode::kTransportParameterError, 0, "the FEC parameter is not one integer"});
  return parameter;
}

Parsed<FecSource> parse_fec_source(Bytes& in) {
  Reader reader(in);
  FecSource frame;
  std::uint64_t index = 0;
  if (!reader.varint(frame.block) || !reader.varint(index)) return bad(kFecSourceFrame, "FEC_SOURCE is cut short");
  if (index >= kMaxFecSources) return bad(kFecSourceFrame, "FEC_SOURCE with an index of 32 or more");
  frame.index = static_cast<std::uint8_t>(index);
  in = reader.rest();
  return frame;
}

Parsed<FecRepair> parse_fec_repair(Bytes& in) {
  Reader reader(in);
  FecRepair frame;
  std::uint64_t sources = 0;
  std::uint64_t row = 0;
  std::uint64_t length = 0;
  if (!reader.varint(frame.block) || !reader.varint(sources) || !reader.varint(row) || !reader.varint(length) ||
      !reader.bytes(length, frame.symbol))
    return bad(kFecRepairFrame, "FEC_REPAIR is cut short");
  if (sources == 0 || sources > kMaxFecSources) return bad(kFecRepairFrame, "FEC_REPAIR of a block of 0 or over 32");
  if (row >= kMaxFecRepairs) return bad(kFecRepairFrame, "FEC_REPAIR with a row of 16 or more");
  if (length < kFecLengthSize || length > kMaxFecSymbol)
    return bad(kFecRepairFrame, "FEC_REPAIR with a symbol of under 2 or over 1,502 octets");
  frame.sources = static_cast<std::uint8_t>(sources);
  frame.row = static_cast<std::uint8_t>(row);
  in = reader.rest();
  return frame;
}

std::size_t fec_source_size(const FecSource& frame) {
  return varint_size(kFecSourceFrame) + varint_size(frame.block) + varint_size(frame.index);
}

std::size_t fec_repair_size(const FecRepair& frame) {
  return varint_size(kFecRepairFrame) + varint_size(frame.block) + varint_size(frame.sources) + varint_size(frame.row) +
         varint_size(frame.symbol.size()) + frame.symbol.size();
}

std::size_t write_fec_parameter(MutableBytes out, const FecParameter& parameter) {
  Writer writer(out);
  writer.varint(parameter.schemes);
  return out.size() - writer.remaining();
}

std::size_t write_fec_source(MutableBytes out, const FecSource& frame) {
  Writer writer(out);
  writer.varint(kFecSourceFrame);
  writer.varint(frame.block);
  writer.varint(frame.index);
  return out.size() - writer.remaining();
}

std::size_t write_fec_repair(MutableBytes out, const FecRepair& frame) {
  Writer writer(out);
  writer.varint(kFecRepairFrame);
  writer.varint(frame.block);
  writer.varint(frame.sources);
  writer.varint(frame.row);
  writer.varint(frame.symbol.size());
  writer.bytes(frame.symbol);
  return out.size() - writer.remaining();
}

}  // namespace hawser::quic
