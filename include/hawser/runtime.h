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

// How datagrams pass between a thread and the kernel. kAuto is the best that this machine and
// this build can do; kEpoll works everywhere.
enum class EngineKind : unsigned char { kAuto, kEpoll, kIoUring, kAfXdp };

struct RuntimeOptions {
  unsigned workers = 1;  // threads; 0: one per CPU that the process may use
  EngineKind engine = EngineKind::kAuto;
  unsigned spin_us = 0;  // how long a thread looks for work before it sleeps; costs CPU time
};

class Runtime {
 public:
  // Starts the threads. Any thread. Error: kOptions, also for an engine that this machine does
  // not have.
  static std::expected<std::unique_ptr<Runtime>, Error> create(const RuntimeOptions& options = {});
  // Ends what still runs on it, then joins its threads. Not from one of them.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Which engine it is, once kAuto was decided. Any thread.
  [[nodiscard]] EngineKind engine() const;

  // For the other faces of this API and for those who go a level deeper.
  [[nodiscard]] runtime::Runtime& machinery() { return *machinery_; }

 private:
  explicit Runtime(std::unique_ptr<runtime::Runtime> machinery);
  std::unique_ptr<runtime::Runtime> machinery_;
};

}  // namespace hawser
