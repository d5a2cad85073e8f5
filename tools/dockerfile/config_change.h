// SPDX-License-Identifier: Apache-2.0
//
// Changes of an image config in the words of a Dockerfile (the Dockerfile reference, "CMD", "ENV"
// …), as `veneer commit -c` and `veneer import -c` take them, and as a build carries them out. What
// a change does not speak of stays as it is, fields that Veneer does not know included.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_CONFIG_CHANGE_H_
#define VENEER_TOOLS_DOCKERFILE_CONFIG_CHANGE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"
#include "tools/dockerfile/words.h"
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

// What an instruction of a Dockerfile sees and leaves behind in its stage. The pointers are the
// caller's; the first two are not null.
struct StageScope {
  VariableLookup lookup;
  char escape = '\\';
  bool* cmd_set = nullptr;        // a CMD came in this stage: ENTRYPOINT leaves it
  std::string* author = nullptr;  // what MAINTAINER says, which is outside of the "config" object
  // Takes how history tells the instruction (instruction_history.h); ONBUILD leaves it as it is.
  std::string* history = nullptr;
  // Takes the variables that ENV sets, after those that are there, in the order of the instruction.
  std::vector<std::pair<std::string, std::string>>* set = nullptr;
};

// Carries out CMD, ENTRYPOINT, ENV, LABEL, EXPOSE, VOLUME, USER, WORKDIR, STOPSIGNAL, HEALTHCHECK,
// ONBUILD, SHELL or MAINTAINER of a Dockerfile on the "config" object; null is an empty one. Usage
// error, which begins with "line N: NAME: " (without the line where the instruction has none):
// another instruction, arguments that are wrong. On failure `config` is unspecified.
Result<void> ApplyInstruction(const Instruction& instruction, const StageScope& scope,
                              Json* config);

// What the shell form of RUN, CMD and ENTRYPOINT is given to: "Shell" of the config, or
// ["/bin/sh", "-c"]. Failure: "Shell" is no list of strings.
Result<std::vector<std::string>> ShellOf(const Json& config);

// A name that ARG makes known, with its default.
struct ArgWord {
  std::string name;
  std::optional<std::string> value;
};

// The words of ARG. A default sees the names before it, with the value that `given` has for them
// (--build-arg), or with their defaults; the values that come back are the defaults alone. Usage
// error, as above: no word at all, a word without a name.
Result<std::vector<ArgWord>> ParseArg(const Instruction& instruction, const StageScope& scope,
                                      VariableLookup given);
Result<std::vector<ArgWord>> ParseArg(const Instruction& instruction, const StageScope& scope);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_CONFIG_CHANGE_H_
