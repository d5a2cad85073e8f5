// SPDX-License-Identifier: Apache-2.0
//
// The flags of an instruction: COPY --from=build --chown=1:1 a b. Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_FLAGS_H_
#define VENEER_TOOLS_DOCKERFILE_FLAGS_H_

#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

struct SplitFlags {
  std::vector<InstructionFlag> flags;  // in their order
  std::string_view rest;               // in the text that was split
};

// The words at the beginning that begin with "--", up to a word that is "--" alone. Quotes hold
// blanks together, a backslash takes the meaning from any character, whatever the escape directive
// says; both are taken away. Usage error: a flag without a name, a quote that is not closed.
Result<SplitFlags> ParseFlags(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_FLAGS_H_
