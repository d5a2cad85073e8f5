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

// What stands between words.
inline constexpr std::string_view kWordBlanks = " \t\r\v\f";
// A word with its variables replaced. A few ENV lines that double a value would fill the memory.
inline constexpr size_t kMaxExpandedWord = size_t{1} << 20;

// Without the blanks around it.
std::string_view TrimBlanks(std::string_view text);

// The instructions of a text that may have several: one per line, a line that ends with a backslash
// goes on with the next one; blank lines and those that begin with # are left out. Blanks around an
// instruction are taken away.
std::vector<std::string> SplitInstructions(std::string_view text);

// The first word, and what follows it without the blanks around it.
std::pair<std::string_view, std::string_view> SplitFirstWord(std::string_view text);

// Splits at blanks that are not in quotes and not behind the escape character, which the parser
// directive of that name may make a backtick. Quotes and escape characters stay where they are.
std::vector<std::string> SplitWords(std::string_view text, char escape = '\\');

// A quote begins in the text and does not end there.
bool HasOpenQuote(std::string_view text, char escape = '\\');

// The value of a variable; nullopt: not set.
using VariableLookup = FunctionRef<std::optional<std::string>(std::string_view name)>;

// Takes quotes and escape characters away and puts the values of variables in their places, though
// not within single quotes:
//
//   $name ${name}            the value; empty where it is not set
//   ${name:-word} ${name:+word}
//                            `word` in place of no value or an empty one, or in place of any other
//   ${name:?word}            a failure with `word` as its text where the value is missing or empty
//   ${name#pattern} ## % %%  without the shortest or longest beginning, or end (pattern.h)
//   ${name/pattern/word} //  with `word` in place of the first match, or of every one
//
// Without the colon an empty value is a value. A name is letters, digits and _, or digits alone, or
// one of @*#?-$!, which no build sets: $$ and $10 are empty. Any other dollar stands for itself.
// Usage error: a quote or brace that is not closed, another modifier, more than kMaxExpandedWord.
Result<std::string> ExpandWord(std::string_view word, VariableLookup lookup, char escape = '\\');

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_WORDS_H_
