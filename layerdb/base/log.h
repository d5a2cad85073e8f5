// SPDX-License-Identifier: Apache-2.0
//
// The log. One logger per process, on standard error until a daemon redirects it. Thread-safe. The
// logging library is an implementation detail of log.cc, so that no other file pays for its header.
#ifndef VENEER_LAYERDB_BASE_LOG_H_
#define VENEER_LAYERDB_BASE_LOG_H_

#include <string_view>

namespace veneer {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Messages below `level` are dropped. The default is kWarning.
void SetLogLevel(LogLevel level);
// Whether messages of this level are written: asked before one is put together that is hardly ever
// wanted.
bool IsLogged(LogLevel level);
// The level that the variable VENEER_LOG names (debug, info, warning, error); `otherwise` where it
// names none.
LogLevel LogLevelFromEnvironment(LogLevel otherwise);
// Where messages go from now on: standard error, or the system log (for a daemon in the background,
// whose standard error is closed). `ident` must outlive the process.
void LogToStderr(const char* ident);
void LogToSyslog(const char* ident);

void Log(LogLevel level, std::string_view message);
inline void LogDebug(std::string_view message) { Log(LogLevel::kDebug, message); }
inline void LogInfo(std::string_view message) { Log(LogLevel::kInfo, message); }
inline void LogWarning(std::string_view message) { Log(LogLevel::kWarning, message); }
inline void LogError(std::string_view message) { Log(LogLevel::kError, message); }

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_LOG_H_
