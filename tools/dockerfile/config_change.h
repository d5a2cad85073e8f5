// SPDX-License-Identifier: Apache-2.0
//
// Changes of an image config in the words of a Dockerfile (the Dockerfile reference, "CMD", "ENV"
// …), as `veneer commit -c` and `veneer import -c` take them. What a change does not speak of stays
// as it is, fields that Veneer does not know included.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_CONFIG_CHANGE_H_
#define VENEER_TOOLS_DOCKERFILE_CONFIG_CHANGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/json.h"

namespace veneer {

// One instruction: its word in upper case, and what follows.
struct ConfigChange {
  std::string instruction;
  std::string arguments;
};

// Reads instructions, one or several in each text, and checks each as far as that is possible
// without a config. Usage error, which names the instruction: one that changes no config (RUN, COPY
// …) or is none, MAINTAINER, and one whose arguments are wrong.
Result<std::vector<ConfigChange>> ParseConfigChanges(const std::vector<std::string>& texts);

// Applies changes, the first one first, to the "config" object of an image's document; null is an
// empty one. Variables are replaced by those that the config sets at that moment. Setting an
// entrypoint takes the parent's command away, unless one of the changes sets a command before it,
// as in a Dockerfile. On failure (usage error as above; a member of the config that has another
// type than the specification says) `config` is unspecified.
Result<void> ApplyConfigChanges(const std::vector<ConfigChange>& changes, Json* config);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_CONFIG_CHANGE_H_
