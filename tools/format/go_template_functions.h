// SPDX-License-Identifier: Apache-2.0
//
// The functions of templates (go_template.h): those of Go (and, or, not, eq, ne, lt, le, gt, ge,
// len, index, slice, print, printf, println, html, js, urlquery, call) and those of Docker (json,
// split, join, title, lower, upper, pad, truncate). Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_TEMPLATE_FUNCTIONS_H_
#define VENEER_TOOLS_FORMAT_GO_TEMPLATE_FUNCTIONS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/go_value.h"

namespace veneer {

// What a parameter of a function takes. Go converts nothing: a number is no string.
enum class TemplateParameter { kAny, kString, kInt, kStrings };

struct TemplateFunction {
  std::string_view name;
  std::vector<TemplateParameter> fixed;
  bool variadic = false;  // any number of kAny behind them
  // Usage error for values that it cannot take. REQUIRES: as many as `fixed`, of these types.
  Result<GoValue> (*call)(std::string_view name, std::span<const GoValue> given) = nullptr;
  // Of the heading of a column it gives the heading, for it shapes values.
  bool shapes = false;
};

// nullptr: there is none of this name.
const TemplateFunction* FindTemplateFunction(std::string_view name);
bool IsTemplateFunction(std::string_view name);

// "a string", "a list"; for messages.
std::string TypeOfValue(const GoValue& value);

// A usage error that names the function.
tl::unexpected<Error> FunctionError(std::string_view function, const std::string& what);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_TEMPLATE_FUNCTIONS_H_
