// SPDX-License-Identifier: Apache-2.0
//
// --change of `commit` and `import`: the errors of tools/dockerfile/config_change.h, behind the
// name of the option.
#ifndef VENEER_TOOLS_CLI_CHANGE_OPTION_H_
#define VENEER_TOOLS_CLI_CHANGE_OPTION_H_

#include <utility>

#include "tools/dockerfile/config_change.h"

namespace veneer {

template <class T>
Result<T> NamingChange(Result<T> result) {
  if (result) return result;
  return tl::unexpected(std::move(result).error().Context("--change"));
}

inline Result<std::vector<ConfigChange>> ReadChanges(const std::vector<std::string>& texts) {
  return NamingChange(ParseConfigChanges(texts));
}

inline Result<void> ApplyChanges(const std::vector<ConfigChange>& changes, Json* config) {
  return NamingChange(ApplyConfigChanges(changes, config));
}

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_CHANGE_OPTION_H_
