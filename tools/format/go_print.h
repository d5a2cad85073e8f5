// SPDX-License-Identifier: Apache-2.0
//
// Go's package fmt over the values of a template (go_value.h): Sprint, Sprintln and Sprintf with
// all verbs, flags, widths, precisions and argument indexes (pkg.go.dev/fmt). Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_PRINT_H_
#define VENEER_TOOLS_FORMAT_GO_PRINT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "tools/format/go_value.h"

namespace veneer {

// More is an error: a template that doubles a text some thirty times, or a format with some widths,
// would take all memory.
inline constexpr size_t kMaxTemplateText = size_t{64} << 20;

// As %v shows it: strings as they are, "[a b]", "map[key:value]", "{of a struct}".
std::string GoText(const GoValue& value);
// A space between two values that are both no strings.
std::string GoSprint(std::span<const GoValue> values);
// A space between all, and a new line.
std::string GoSprintln(std::span<const GoValue> values);
// A verb that does not fit its value is shown as Go shows it, "%!d(string=x)", and so are missing
// and extra values. Usage error for more than kMaxTemplateText bytes.
Result<std::string> GoSprintf(std::string_view format, std::span<const GoValue> values);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_PRINT_H_
