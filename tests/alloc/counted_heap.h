// counted_heap.h: what a program takes from the heap by operator new and through OpenSSL, in
// accounts, so that a test can say how often something allocates and what it holds. Link
// counted_heap.cc into the program; one thread only may allocate while an account is open.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::heap {

struct Account {
  std::uint64_t allocations = 0;
  std::int64_t blocks = 0;  // taken and not given back
  std::int64_t octets = 0;  // of these blocks, with what the allocator adds to each
};

// Books what is taken and given back in its scope. Scopes nest: the innermost one counts.
class Charge {
 public:
  explicit Charge(Account& account);
  ~Charge();
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

 private:
  Account* outer_;
};

// Called for each block that is booked: to find out who takes it. May allocate nothing by
// operator new itself.
using Observer = void (*)(const Account& account, void* block, std::size_t octets, bool taken);
void observe(Observer observer);

}  // namespace hawser::heap
