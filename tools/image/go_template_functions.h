// SPDX-License-Identifier: Apache-2.0
//
// The functions of templates (go_template.h): those of Go (and, or, not, eq, ne, lt, le, gt, ge,
// len, index, slice, print, printf, println) and those of Docker (json, split, join, title, lower,
// upper, pad, truncate); and JSON values as Go shows and tests them. Pure.
#ifndef VENEER_TOOLS_IMAGE_GO_TEMPLATE_FUNCTIONS_H_
#define VENEER_TOOLS_IMAGE_GO_TEMPLATE_FUNCTIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/image/json.h"

namespace veneer {

bool IsTemplateFunction(std::string_view name);

// REQUIRES: IsTemplateFunction(name). Usage error, naming the function, for arguments that it does
// not take. With `headings`, the functions of Docker give their first argument, for they are given
// the heading of a column.
Result<Json> CallTemplateFunction(std::string_view name, std::vector<Json> arguments,
                                  bool headings = false);

// As Go prints a value: strings as they are, "[a b]", "map[key:value]" in the order of the keys,
// "<no value>" for null.
std::string TextOfValue(const Json& value);
// "a string", "a list"; for messages.
std::string TypeOfValue(const Json& value);
// False for false, 0, null and what is empty.
bool IsTrueValue(const Json& value);

}  // namespace veneer

#endif  // VENEER_TOOLS_IMAGE_GO_TEMPLATE_FUNCTIONS_H_
