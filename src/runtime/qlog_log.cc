// qlog_log.cc: the account of records that no log has.
#include "runtime/qlog_log.h"

#include <mutex>

namespace hawser::runtime {
namespace {

std::mutex g_mutex;
QlogLoss g_loss;

}  // namespace

QlogLoss qlog_loss() {
  const std::lock_guard lock(g_mutex);
  return g_loss;
}

QlogLog::~QlogLog() {
  const std::uint64_t skipped = writer_->skipped();
  writer_.reset();  // the last writes are those that close the files
  const std::lock_guard lock(g_mutex);
  if (g_loss.failures == 0) g_loss.error = files_->first_error();
  g_loss.failures += files_->failures();
  g_loss.skipped += skipped;
}

}  // namespace hawser::runtime
