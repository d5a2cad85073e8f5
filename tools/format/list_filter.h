// SPDX-License-Identifier: Apache-2.0
//
// --filter as Docker has it: KEY=VALUE, several times. Pure functions.
#ifndef VENEER_TOOLS_FORMAT_LIST_FILTER_H_
#define VENEER_TOOLS_FORMAT_LIST_FILTER_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/json.h"

namespace veneer {

// The values by key.
using ListFilters = std::map<std::string, std::vector<std::string>, std::less<>>;

// Reads KEY=VALUE words. Usage error, naming those there are, for a key that is not in `keys`, and
// for a word without "=".
Result<ListFilters> ParseFilters(const std::vector<std::string>& words,
                                 const std::vector<std::string>& keys);

// The values of a key; none when it was not given.
const std::vector<std::string>& FilterValues(const ListFilters& filters, std::string_view key);

// true, false, 1 or 0, which may stand several times when they agree; nullopt: not given. Usage
// error for other words.
Result<std::optional<bool>> FilterSwitch(const ListFilters& filters, std::string_view key);

// True when `text` matches a glob in which * and ? stop at a slash, [a-z] and [^a-z] are sets and a
// backslash takes the next character for what it is: Go's path.Match, which Docker uses. A pattern
// that is none matches nothing.
bool MatchGlob(std::string_view pattern, std::string_view text);

// True when a glob is that of "name:tag" or of its repository alone.
bool MatchReference(std::string_view pattern, std::string_view tag_name);

// "KEY" or "KEY=VALUE" against the labels of an image (nullptr: it has none). What is no string
// there is no label.
bool HasLabel(const Json* labels, std::string_view wanted);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_LIST_FILTER_H_
