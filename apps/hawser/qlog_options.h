// qlog_options.h: the options of every command that can write qlog.
#pragma once

#include <expected>
#include <string_view>

#include "base/result.h"
#include "events/qlog_writer.h"
#include "runtime/qlog_log.h"

namespace CLI {
class App;
}

namespace hawser::app {

// Adds --qlog, --qlog-legacy, --qlog-sample, --qlog-limit, --qlog-ring and --qlog-trigger.
// `settings` must outlive the parsing.
void add_qlog_options(CLI::App& command, runtime::QlogSettings& settings);

// Says on standard error what the logs of this process lack; nothing if they are whole.
void report_qlog_loss();

// Reads "handshake=500ms,loss=5%,close", in any order. The error says what is wrong and what to write.
std::expected<QlogTriggers, ConfigError> parse_qlog_triggers(std::string_view text);

}  // namespace hawser::app
