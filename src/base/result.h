// result.h: std::expected with an early-return macro, since GCC 12 lacks its monads.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace hawser {

// What the caller or the configuration did wrong, as a sentence that says what to
// change: "--workers 0: give 1 or more".
struct ConfigError {
  std::string message;
};

}  // namespace hawser

#define HAWSER_CONCAT_INNER(a, b) a##b
#define HAWSER_CONCAT(a, b) HAWSER_CONCAT_INNER(a, b)

// HAWSER_TRY(const auto x, parse(in)); declares x, or returns the error to the caller.
#define HAWSER_TRY(declaration, expression) \
  HAWSER_TRY_INNER(HAWSER_CONCAT(hawser_try_, __COUNTER__), declaration, expression)
#define HAWSER_TRY_INNER(result, declaration, expression) \
  auto result = (expression);                             \
  if (!result.has_value()) [[unlikely]]                   \
    return std::unexpected(std::move(result).error());    \
  declaration = *std::move(result)

// For an expected<void, E> or a value that nobody needs.
#define HAWSER_TRY_VOID(expression)                                 \
  do {                                                              \
    auto hawser_try_result = (expression);                          \
    if (!hawser_try_result.has_value()) [[unlikely]]                \
      return std::unexpected(std::move(hawser_try_result).error()); \
  } while (false)
