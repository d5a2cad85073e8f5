// SPDX-License-Identifier: Apache-2.0
//
// What a person can do about a failure, in the words of this command. The library gives reasons,
// and knows of no command and no option. Pure.
#ifndef VENEER_TOOLS_CLI_ADVICE_H_
#define VENEER_TOOLS_CLI_ADVICE_H_

#include <string>

#include "layerdb/base/result.h"
#include "layerdb/store/fsck.h"

namespace veneer {

// The message with what to do behind it: "…; run `veneer fsck`".
std::string MessageWithAdvice(const Error& error);

// The same for what `veneer fsck` has found.
std::string ProblemWithAdvice(const FsckProblem& problem);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_ADVICE_H_
