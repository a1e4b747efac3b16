// check.h: our own faults. HAWSER_CHECK stays on in release builds; it states an
// invariant whose failure is a bug of hawser, never of a peer or of a caller's input.
#pragma once

namespace hawser {

// Prints file, line and condition to standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace hawser

#define HAWSER_CHECK(condition)                               \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::hawser::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)

// For invariants too dear to test per packet: on in debug and sanitizer builds.
#ifdef NDEBUG
#define HAWSER_DCHECK(condition) \
  do {                           \
    (void)sizeof(condition);     \
  } while (false)
#else
#define HAWSER_DCHECK(condition) HAWSER_CHECK(condition)
#endif
