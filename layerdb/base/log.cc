// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <memory>
#include <mutex>

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

std::mutex logger_mutex;
std::shared_ptr<spdlog::logger> current_logger;  // under logger_mutex
spdlog::level::level_enum current_level = spdlog::level::warn;

void Install(const char* ident, const spdlog::sink_ptr& sink) {
  const std::lock_guard lock(logger_mutex);
  current_logger = std::make_shared<spdlog::logger>(ident, sink);
  current_logger->set_pattern("%n: %l: %v");
  current_logger->set_level(current_level);
}

}  // namespace

void SetLogLevel(LogLevel level) {
  const std::lock_guard lock(logger_mutex);
  current_level = ToSpdlog(level);
  if (current_logger) current_logger->set_level(current_level);
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
    const std::lock_guard lock(logger_mutex);
    logger = current_logger;
  }
  if (!logger) {
    LogToStderr("veneer");
    const std::lock_guard lock(logger_mutex);
    logger = current_logger;
  }
  logger->log(ToSpdlog(level), "{}", message);
}

}  // namespace veneer
