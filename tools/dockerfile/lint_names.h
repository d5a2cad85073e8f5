// SPDX-License-Identifier: Apache-2.0
//
// What lint.h finds in single words. Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_LINT_NAMES_H_
#define VENEER_TOOLS_DOCKERFILE_LINT_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

namespace veneer {

// The variables that a text uses and gives no value for the case that they are not set: $NAME and
// ${NAME}, outside of single quotes, each once.
std::vector<std::string> VariablesIn(std::string_view text, char escape);

// "API_KEY": a part between underscores is a word for a secret, and none is "public", "file" or
// "version". The case does not count.
bool LooksSecret(std::string_view name);

// Letters of one case alone.
bool IsLowerCase(std::string_view text);
bool IsUpperCase(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_LINT_NAMES_H_
