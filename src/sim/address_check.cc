// address_check.cc: addresses on the wire against addresses in events.
#include "sim/address_check.h"

#include <string>

namespace hawser::sim {

void AddressCheck::on_sent(NodeId node, Bytes, const FourTuple& tuple, Timestamp) {
  if (node != server_) seen_by_[false].insert(tuple.remote);
}

void AddressCheck::on_received(NodeId node, Bytes, const FourTuple& tuple, Timestamp) {
  seen_by_[node == server_].insert(tuple.remote);
}

void AddressCheck::on_event(const EventContext& context, const AddressObserved& event) {
  const bool to_client = context.vantage == Vantage::kClient;
  if (to_client) ++told_;
  if (!seen_by_[to_client].contains(event.observed))
    verdict_.fail("the " + std::string(qlog_name(context.vantage)) + " is told to be at " + to_string(event.observed) +
                  ", from where nothing came");
}

}  // namespace hawser::sim
