// SPDX-License-Identifier: Apache-2.0
//
// The values that members of an image config take: ports, users, signals, paths, the times of a
// health check. Each is checked here, so that nothing gets into a config that others would refuse.
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_CONFIG_VALUES_H_
#define VENEER_TOOLS_DOCKERFILE_CONFIG_VALUES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

// A usage error.
inline tl::unexpected<Error> InstructionError(const std::string& why) {
  return MakeError(why, ExitCode::kUsage);
}

// ASCII letters in upper case.
std::string UpperCase(std::string_view text);

// "80", "53/udp", "8000-8010": appends "80/tcp", …, as ExposedPorts has them. Of "8080:80" and
// "127.0.0.1:8080:80", which say where a host would offer the port, the last part counts. Usage
// error.
Result<void> AddPorts(std::string_view text, std::vector<std::string>* ports);

// USER[:GROUP], names or numbers. Usage error; a number of more than 31 bits is one, because
// programs that read it into a signed one take it for root (CVE-2024-40635).
Result<void> CheckUser(std::string_view text);

// "SIGTERM", "TERM", "15", "SIGRTMIN+3".
bool IsSignal(std::string_view text);

// `path` from the directory `base`, or from the root where that is empty; without ".", ".." and
// slashes too many.
std::string JoinPath(std::string_view base, std::string_view path);

// The options of a HEALTHCHECK under their names in the config, times in nanoseconds.
using HealthcheckOptions = std::vector<std::pair<std::string, int64_t>>;
// Usage error: an option that is not known or given twice, a time of less than a millisecond.
Result<HealthcheckOptions> ParseHealthcheckOptions(const std::vector<InstructionFlag>& flags);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_CONFIG_VALUES_H_
