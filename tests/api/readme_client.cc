// readme_client.cc: the client that README.md shows, so that it compiles; readme_test.sh compares them.
#include <cstdio>

#include "hawser/http3_client.h"

int main() {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, {.authority = "example.net"}).value();
  auto response = client->get("/").wait();
  if (!response) {
    std::fprintf(stderr, "%s\n", response.error().message.c_str());
    return 1;
  }
  std::printf("status %u, %zu octets\n", response->status, response->body.size());
}
