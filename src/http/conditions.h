// conditions.h: conditional requests (RFC 9110 section 13): whether a file that has not
// changed is sent, and whether a range still belongs to the file that the client knows.
#pragma once

#include <cstdint>
#include <string>

#include "http/message.h"

namespace hawser::http {

// What identifies the present state of a file.
struct Validators {
  std::string etag;             // with its quotes; strong
  std::int64_t modified_s = 0;  // seconds since 1970
};

enum class Condition : std::uint8_t {
  kProceed,
  kNotModified,         // 304
  kPreconditionFailed,  // 412
};

// Judges If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of
// RFC 9110 section 13.2.2. Dates that cannot be read count as absent.
Condition evaluate_conditions(const Request& request, const Validators& current);

// False: If-Range names another state of the file, so the Range field is to be passed over
// (RFC 9110 section 13.1.5).
bool if_range_holds(const Request& request, const Validators& current);

}  // namespace hawser::http
