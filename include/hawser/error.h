// error.h: what the public API answers when it cannot do what was asked.
#pragma once

#include <string>

namespace hawser {

// A sentence for a person that says what to change or what happened.
struct Error {
  enum class Kind {
    kOptions,      // something in the call is wrong: nothing was sent
    kResolve,      // the name has no address
    kConnect,      // no address answered, or the connection was refused
    kTimeout,      // it took longer than was allowed
    kCertificate,  // the server's certificate was not accepted
    kProtocol,     // the peer broke the rules, or gave up on the request
    kTooLarge,     // the response is larger than the caller wanted to keep
  };
  Kind kind = Kind::kOptions;
  std::string message;
};

}  // namespace hawser
