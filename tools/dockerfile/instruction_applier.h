// SPDX-License-Identifier: Apache-2.0
//
// What each instruction does to an image config: one place for `veneer build` and for the options
// --change, whose entries are in config_change.h.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_INSTRUCTION_APPLIER_H_
#define VENEER_TOOLS_DOCKERFILE_INSTRUCTION_APPLIER_H_

#include <string_view>

#include "layerdb/base/result.h"
#include "tools/dockerfile/config_change.h"
#include "tools/dockerfile/dockerfile.h"
#include "tools/format/json.h"

namespace veneer {

enum class InstructionRules {
  kChange,  // --change: a person says what is to be; an instruction that changes nothing is a slip
  kBuild,   // a Dockerfile: an empty CMD is the bare shell, WORKDIR of an unset variable is nothing
};

// CMD, ENV …; neither RUN nor MAINTAINER.
bool ChangesConfig(std::string_view instruction);

// Carries the instruction out on the "config" object. The flags of HEALTHCHECK are taken apart
// already, those of an instruction behind ONBUILD are not. Usage error, which does not name the
// instruction: one that changes no config, arguments that are wrong. Failure: a member of the
// config has another type than the specification says.
Result<void> ApplyTo(Json* config, const Instruction& instruction, const StageScope& scope,
                     InstructionRules rules);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_INSTRUCTION_APPLIER_H_
