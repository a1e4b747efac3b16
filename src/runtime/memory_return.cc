// memory_return.cc: the one call of the C library that does it.
#include "runtime/memory_return.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace hawser::runtime {

void return_free_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace hawser::runtime
