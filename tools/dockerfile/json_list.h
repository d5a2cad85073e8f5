// SPDX-License-Identifier: Apache-2.0
//
// The exec form of an instruction: ["a", "b"]. Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_JSON_LIST_H_
#define VENEER_TOOLS_DOCKERFILE_JSON_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// The strings of a JSON list. nullopt: the text is none, and a shell is to read it; so are
// ["a",] and ['a'], which are not JSON. Usage error: a list that holds something else, a list of
// strings with text behind it, which some engines drop and others give to a shell.
Result<std::optional<std::vector<std::string>>> ParseJsonStrings(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_JSON_LIST_H_
