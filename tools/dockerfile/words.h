// SPDX-License-Identifier: Apache-2.0
//
// How a Dockerfile's instruction is split into words, and how variables in a word are replaced (the
// Dockerfile reference, "Environment replacement"). Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_WORDS_H_
#define VENEER_TOOLS_DOCKERFILE_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// The instructions of a text that may have several: one per line, a line that ends with a backslash
// goes on with the next one; blank lines and those that begin with # are left out. Blanks around an
// instruction are taken away.
std::vector<std::string> SplitInstructions(std::string_view text);

// The first word, and what follows it without the blanks around it.
std::pair<std::string_view, std::string_view> SplitFirstWord(std::string_view text);

// Splits at blanks that are not in quotes and not behind a backslash. Quotes and backslashes stay
// where they are.
std::vector<std::string> SplitWords(std::string_view text);

// The value of a variable; nullopt: not set.
using VariableLookup = FunctionRef<std::optional<std::string>(std::string_view name)>;

// Takes quotes and backslashes away and puts the values of $name, ${name}, ${name:-word} and
// ${name:+word} in their places, though not within single quotes. Failure: a quote or brace that is
// not closed, another modifier.
Result<std::string> ExpandWord(std::string_view word, VariableLookup lookup);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_WORDS_H_
