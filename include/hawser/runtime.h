// runtime.h: the threads that move datagrams. One Runtime serves a whole program; clients and
// servers are made on it and must be gone before it is.
#pragma once

#include <expected>
#include <memory>

#include "hawser/error.h"

namespace hawser {

namespace runtime {
class Runtime;  // the machinery behind this face
}

struct RuntimeOptions {
  unsigned workers = 1;  // threads; 0: one per CPU that the process may use
};

class Runtime {
 public:
  // Starts the threads. Any thread. Error: kOptions.
  static std::expected<std::unique_ptr<Runtime>, Error> create(const RuntimeOptions& options = {});
  // Ends what still runs on it, then joins its threads. Not from one of them.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // For the other faces of this API and for those who go a level deeper.
  [[nodiscard]] runtime::Runtime& machinery() { return *machinery_; }

 private:
  explicit Runtime(std::unique_ptr<runtime::Runtime> machinery);
  std::unique_ptr<runtime::Runtime> machinery_;
};

}  // namespace hawser
