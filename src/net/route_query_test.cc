// Goal: an interface is asked for the routes that it has, not for what the kernel would try without one. Method: the
// loopback device, which leads to this machine and nowhere else.
#include "net/route_query.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include "net/address.h"

namespace hawser::net {
namespace {

TEST(route_query, the_loopback_leads_to_this_machine_alone) {
  auto query = RouteQuery::open();
  ASSERT_TRUE(query.has_value()) << query.error().message;
  const unsigned loopback = if_nametoindex("lo");
  ASSERT_NE(loopback, 0u);
  EXPECT_TRUE(query->leads(loopback, parse_ip("127.0.0.1"), parse_ip("127.0.0.1")));
  EXPECT_FALSE(query->leads(loopback, parse_ip("127.0.0.1"), parse_ip("192.0.2.1")));
  EXPECT_FALSE(query->leads(loopback, parse_ip("127.0.0.1"), parse_ip("2001:db8::1"))) << "of two families";
  EXPECT_FALSE(query->leads(0x7fff'fff0, parse_ip("127.0.0.1"), parse_ip("127.0.0.1"))) << "no such interface";
}

}  // namespace
}  // namespace hawser::net
