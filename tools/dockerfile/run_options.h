// SPDX-License-Identifier: Apache-2.0
//
// What the flags of RUN say: its mounts (run_mount.h), its network and its security.
//
// Pure functions. Each error is a usage error, which begins with "RUN: ".
#ifndef VENEER_TOOLS_DOCKERFILE_RUN_OPTIONS_H_
#define VENEER_TOOLS_DOCKERFILE_RUN_OPTIONS_H_

#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"
#include "tools/dockerfile/run_mount.h"

namespace veneer {

struct RunOptions {
  enum class Network { kDefault, kNone, kHost };

  std::vector<RunMount> mounts;
  Network network = Network::kDefault;
  bool insecure = false;  // --security=insecure
};

// `expand` replaces the variables in the values of mounts, and nothing else. Error: a flag that is
// not known, given twice or has a wrong value; --device, which Veneer has not; a mount that is
// wrong; that of `expand`.
Result<RunOptions> ParseRun(const Instruction& instruction, WordExpander expand);

// Checks as much as can be known before variables have values, and returns what the mounts take
// files from: stages and images. These are made before any variable of the stage has a value, and
// so a variable there is an error, as in BuildKit.
Result<std::vector<std::string>> RunMountSources(const Instruction& instruction);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_RUN_OPTIONS_H_
