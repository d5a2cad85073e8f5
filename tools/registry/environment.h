// SPDX-License-Identifier: Apache-2.0
//
// The environment, as far as it tells where configurations lie.
#ifndef VENEER_TOOLS_REGISTRY_ENVIRONMENT_H_
#define VENEER_TOOLS_REGISTRY_ENVIRONMENT_H_

#include <cstdlib>
#include <string>

namespace veneer {

// The variable; empty where it is not set. Thread-safe as long as nobody sets one.
inline std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_ENVIRONMENT_H_
