// SPDX-License-Identifier: Apache-2.0
//
// Templates as Docker's --format takes them: the language of Go's text/template
// (pkg.go.dev/text/template), whole but for complex numbers, over JSON documents, of which
// go_value.h says what is a struct and what a map. Functions: go_template_functions.h. Pure; a
// parsed template may be used by several threads at once.
#ifndef VENEER_TOOLS_FORMAT_GO_TEMPLATE_H_
#define VENEER_TOOLS_FORMAT_GO_TEMPLATE_H_

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/json.h"

namespace veneer {

struct ParsedTemplate;

class GoTemplate {
 public:
  // Usage error with what is wrong and where.
  static Result<GoTemplate> Parse(std::string_view text);

  // The text for one value. Usage error, naming it, for a field that `value` does not have, and for
  // a function that is given what it cannot take; what Go refuses is refused.
  Result<std::string> Execute(const Json& value) const;
  // The same for the headings of a table, which are the values of its fields: functions that shape
  // a value leave it.
  Result<std::string> ExecuteHeadings(const Json& headings) const;

  // The first names of all fields in it: "Config" for {{.Config.Env}}. So that what nobody asks for
  // is not looked up.
  const std::set<std::string>& Fields() const;
  // True when the value itself is used too, as in {{json .}} and {{with $x := .}}, so that any
  // field of it may be.
  bool UsesWhole() const;

 private:
  GoTemplate() = default;

  std::shared_ptr<const ParsedTemplate> parsed_;
};

// Docker's lists take \t and \n in a template for what they mean. What stands inside of {{ }}
// stays, where the language itself has them in strings.
std::string UnescapeTemplate(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_TEMPLATE_H_
