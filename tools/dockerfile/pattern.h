// SPDX-License-Identifier: Apache-2.0
//
// The patterns of ${name#pattern}, ${name%pattern} and ${name/pattern/word} in a Dockerfile: `*` is
// any text, `?` one character, and a backslash makes *, ? and itself plain characters. There are no
// brackets. The time is that of one walk over the text for each character of the pattern.
//
// Pure functions. Usage error of each: a backslash in front of another character, or at the end; a
// pattern of more than 256 characters.
#ifndef VENEER_TOOLS_DOCKERFILE_PATTERN_H_
#define VENEER_TOOLS_DOCKERFILE_PATTERN_H_

#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

// `text`, which keeps the result alive, without the shortest or longest beginning that matches.
Result<std::string_view> CutBeginning(std::string_view text, std::string_view pattern,
                                      bool longest);
// The same for the end.
Result<std::string_view> CutEnd(std::string_view text, std::string_view pattern, bool longest);

// `text` with `word` in place of the first match, or of every one; each match is as long as can be.
// Also a usage error: the result is longer than kMaxExpandedWord (words.h).
Result<std::string> ReplaceMatches(std::string_view text, std::string_view pattern,
                                   std::string_view word, bool all);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_PATTERN_H_
