// SPDX-License-Identifier: Apache-2.0
//
// A parsed template (go_template.h): what the parser makes and the execution walks. Values only.
#ifndef VENEER_TOOLS_IMAGE_GO_TEMPLATE_TREE_H_
#define VENEER_TOOLS_IMAGE_GO_TEMPLATE_TREE_H_

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/image/json.h"

namespace veneer {

struct TemplatePipeline;

// One word of a command.
struct TemplateOperand {
  enum class Kind { kDot, kVariable, kLiteral, kFunction, kNested };
  Kind kind = Kind::kDot;
  std::string name;               // of the variable, with its "$", or of the function
  Json literal;                   // kLiteral
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
  enum class Kind { kText, kPrint, kIf, kRange, kWith, kBreak, kContinue };
  Kind kind = Kind::kText;
  std::string text;
  TemplatePipeline pipeline;
  std::vector<TemplateNode> then;
  std::vector<TemplateNode> otherwise;
};

struct ParsedTemplate {
  std::vector<TemplateNode> nodes;
  std::set<std::string> fields;
  bool whole = false;  // the value itself is used, so any field may be
};

// Usage error with what is wrong and at which byte.
Result<ParsedTemplate> ParseTemplate(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_IMAGE_GO_TEMPLATE_TREE_H_
