// first_answer.h: which of a name's addresses a measurement goes to: the one that answers first, where each is tried
// a moment after the one in front, as `hawser get` does.
#pragma once

#include <expected>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"
#include "quic/endpoint/endpoint.h"
#include "run_thread.h"
#include "runtime/endpoint_protocol.h"

namespace hawser::perf {

// Asks with connections like `parameters`, from `endpoint` of the first worker, which are closed as soon as one stands:
// all that is measured goes to one address. A single address is not asked. An error after `timeout`, after a signal,
// and where the server says no to all.
std::expected<SocketAddress, ConfigError> first_answer(RunThread& thread, runtime::EndpointProtocol& endpoint,
                                                       const quic::ClientParameters& parameters,
                                                       const std::vector<SocketAddress>& addresses, Duration timeout);

}  // namespace hawser::perf
