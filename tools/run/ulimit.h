// SPDX-License-Identifier: Apache-2.0
//
// --ulimit: limits of the resources of a command (setrlimit(2)), by the names that Docker has for
// them.
#ifndef VENEER_TOOLS_RUN_ULIMIT_H_
#define VENEER_TOOLS_RUN_ULIMIT_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

struct Ulimit {
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  std::string name;  // nofile
  uint64_t soft = 0;
  uint64_t hard = 0;
  friend bool operator==(const Ulimit&, const Ulimit&) = default;
};

// NAME=SOFT[:HARD], where -1 is no limit, and HARD is SOFT where it is not given. Pure. Usage
// error: another form, a name that is none, a soft limit beyond the hard one.
Result<Ulimit> ParseUlimit(std::string_view text);

// Fails for a name that is none, and for a hard limit beyond that of this process, which would be
// more than its user has.
Result<void> CheckUlimits(const std::vector<Ulimit>& limits);

// Sets the limits of this process.
Sys<void> SetUlimits(const std::vector<Ulimit>& limits);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_ULIMIT_H_
