// SPDX-License-Identifier: Apache-2.0
//
// A parsed template (go_template.h): what the parser makes and the execution walks. Values only.
#ifndef VENEER_TOOLS_FORMAT_GO_TEMPLATE_TREE_H_
#define VENEER_TOOLS_FORMAT_GO_TEMPLATE_TREE_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/go_value.h"

namespace veneer {

struct TemplatePipeline;

// One word of a command.
struct TemplateOperand {
  enum class Kind { kDot, kVariable, kNil, kLiteral, kNumber, kFunction, kNested };
  Kind kind = Kind::kDot;
  std::string name;               // of the variable, with its "$", or of the function
  GoValue literal;                // kLiteral, kNumber; missing: the number is too large for an int
  std::optional<int64_t> whole;   // kNumber, where an int is wanted
  std::vector<std::string> path;  // the fields of it that are taken: .Config.Env
  std::shared_ptr<const TemplatePipeline> nested;
};

using TemplateCommand = std::vector<TemplateOperand>;  // never empty

struct TemplatePipeline {
  std::vector<std::string> variables;  // that are set to the result; two only in a range
  bool declares = false;               // ":=", else "="
  std::vector<TemplateCommand> commands;
};

struct TemplateNode {
  enum class Kind { kText, kPrint, kIf, kRange, kWith, kBreak, kContinue, kTemplate };
  Kind kind = Kind::kText;
  std::string text;           // kTemplate: the name
  TemplatePipeline pipeline;  // kTemplate: without commands when it is given nothing
  std::vector<TemplateNode> then;
  std::vector<TemplateNode> otherwise;
};

struct ParsedTemplate {
  std::vector<TemplateNode> nodes;
  std::map<std::string, std::vector<TemplateNode>> templates;  // define, block
  std::set<std::string> fields;
  bool whole = false;  // the value itself is used, so any field may be
};

// Usage error with what is wrong and at which byte.
Result<ParsedTemplate> ParseTemplate(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_TEMPLATE_TREE_H_
