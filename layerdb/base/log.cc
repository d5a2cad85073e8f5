// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <atomic>
#include <cstdlib>
#include <memory>

#include "layerdb/base/mutex.h"
#include "layerdb/base/printable.h"

namespace veneer {

namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

Mutex logger_mutex;
std::shared_ptr<spdlog::logger> current_logger GUARDED_BY(logger_mutex);
std::atomic<LogLevel> current_level = LogLevel::kWarning;

void Install(const char* ident, const spdlog::sink_ptr& sink) {
  const MutexLock lock(logger_mutex);
  current_logger = std::make_shared<spdlog::logger>(ident, sink);
  current_logger->set_pattern("%n: %l: %v");
  current_logger->set_level(ToSpdlog(current_level));
}

}  // namespace

void SetLogLevel(LogLevel level) {
  const MutexLock lock(logger_mutex);
  current_level = level;
  if (current_logger) current_logger->set_level(ToSpdlog(level));
}

bool IsLogged(LogLevel level) { return level >= current_level.load(std::memory_order_relaxed); }

LogLevel LogLevelFromEnvironment(LogLevel otherwise) {
  const char* const name = std::getenv("VENEER_LOG");
  const std::string_view wanted = name != nullptr ? name : "";
  if (wanted == "debug") return LogLevel::kDebug;
  if (wanted == "info") return LogLevel::kInfo;
  if (wanted == "warning") return LogLevel::kWarning;
  if (wanted == "error") return LogLevel::kError;
  return otherwise;
}

void LogToStderr(const char* ident) {
  Install(ident, std::make_shared<spdlog::sinks::stderr_sink_mt>());
}

void LogToSyslog(const char* ident) {
  Install(ident, std::make_shared<spdlog::sinks::syslog_sink_mt>(ident, LOG_PID, LOG_DAEMON, true));
}

void Log(LogLevel level, std::string_view message) {
  std::shared_ptr<spdlog::logger> logger;
  {
    const MutexLock lock(logger_mutex);
    logger = current_logger;
  }
  if (!logger) {
    LogToStderr("veneer");
    const MutexLock lock(logger_mutex);
    logger = current_logger;
  }
  // A message may quote strangers, and is one line.
  logger->log(ToSpdlog(level), "{}", Printable(message));
}

}  // namespace veneer
