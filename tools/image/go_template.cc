// SPDX-License-Identifier: Apache-2.0
#include "tools/image/go_template.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "tools/image/go_template_functions.h"
#include "tools/image/go_template_tree.h"

namespace veneer {

namespace {

enum class Flow { kOn, kBreak, kContinue };

// Far more than any list has; a template that doubles a text some thirty times would take all memory.
constexpr size_t kMaxText = size_t{64} << 20;

tl::unexpected<Error> TooMuch() {
  return MakeError("template: it makes more than " + std::to_string(kMaxText) + " bytes",
                   ExitCode::kUsage);
}

bool IsMapKey(const std::string& name) { return name[0] >= 'a' && name[0] <= 'z'; }

std::string NamesOf(const Json& object) {
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

Result<Json> FieldOf(const Json& value, const std::string& name) {
  if (value.is_null()) return Json();
  if (!value.is_object()) {
    return MakeError("template: can't evaluate field " + name + " of " + TypeOfValue(value),
                     ExitCode::kUsage);
  }
  const auto found = value.find(name);
  if (found != value.end()) return *found;
  if (IsMapKey(name)) return Json();
  const std::string names = NamesOf(value);
  return MakeError(
      "template: can't evaluate field " + name + (names.empty() ? "" : "; there are " + names),
      ExitCode::kUsage);
}

class Execution {
 public:
  Execution(const Json& value, bool headings) : root_(value), headings_(headings) {}

  Result<std::string> Run(const std::vector<TemplateNode>& nodes) {
    VENEER_TRY_VOID(List(nodes, root_));
    return std::move(output_);
  }

 private:
  using Kind = TemplateNode::Kind;

  Result<Flow> List(const std::vector<TemplateNode>& nodes, const Json& dot) {
    const size_t scope = variables_.size();
    Flow flow = Flow::kOn;
    for (const TemplateNode& node : nodes) {
      VENEER_TRY(flow, Node(node, dot));
      if (flow != Flow::kOn) break;
    }
    variables_.resize(scope);
    return flow;
  }

  Result<Flow> Node(const TemplateNode& node, const Json& dot) {
    if (node.kind == Kind::kText) output_ += node.text;
    if (node.kind == Kind::kBreak) return Flow::kBreak;
    if (node.kind == Kind::kContinue) return Flow::kContinue;
    if (node.kind == Kind::kPrint) {
      VENEER_TRY(const Json value, Pipeline(node.pipeline, dot));
      Assign(node.pipeline, value);
      if (node.pipeline.variables.empty()) output_ += TextOfValue(value);
    }
    if (output_.size() > kMaxText) return TooMuch();
    if (node.kind == Kind::kText || node.kind == Kind::kPrint) return Flow::kOn;
    const size_t scope = variables_.size();
    VENEER_TRY(const Json value, Pipeline(node.pipeline, dot));
    Flow flow = Flow::kOn;
    if (node.kind == Kind::kRange) {
      VENEER_TRY_VOID(Range(node, value, dot, &flow));
    } else {
      Assign(node.pipeline, value);
      const bool holds = IsTrueValue(value);
      const Json& inner = holds && node.kind == Kind::kWith ? value : dot;
      VENEER_TRY(flow, List(holds ? node.then : node.otherwise, inner));
    }
    variables_.resize(scope);
    return flow;
  }

  Result<void> Range(const TemplateNode& node, const Json& value, const Json& dot, Flow* flow) {
    if (!value.is_array() && !value.is_object() && !value.is_null()) {
      return MakeError("template: range can't iterate over " + TextOfValue(value),
                       ExitCode::kUsage);
    }
    if (value.empty()) {
      VENEER_TRY(*flow, List(node.otherwise, dot));
      return {};
    }
    std::vector<std::string> keys;  // Go takes the keys of a map in their order
    if (value.is_object()) {
      for (const auto& [key, item] : value.items()) keys.push_back(key);
      std::ranges::sort(keys);
    }
    for (size_t i = 0; i < value.size(); ++i) {
      const Json& item = value.is_object() ? value.at(keys[i]) : value.at(i);
      const Json key = value.is_object() ? Json(keys[i]) : Json(i);
      const size_t scope = variables_.size();
      const std::vector<std::string>& names = node.pipeline.variables;
      if (names.size() == 2) Set(names[0], key, node.pipeline.declares);
      if (!names.empty()) Set(names.back(), item, node.pipeline.declares);
      VENEER_TRY(const Flow inner, List(node.then, item));
      variables_.resize(scope);
      if (inner == Flow::kBreak) break;
    }
    return {};
  }

  void Assign(const TemplatePipeline& pipeline, const Json& value) {
    for (const std::string& name : pipeline.variables) Set(name, value, pipeline.declares);
  }

  void Set(const std::string& name, const Json& value, bool declares) {
    if (!declares) {
      for (auto& [known, kept] : variables_ | std::views::reverse) {
        if (known != name) continue;
        kept = value;
        return;
      }
    }
    variables_.emplace_back(name, value);
  }

  Result<Json> Pipeline(const TemplatePipeline& pipeline, const Json& dot) {
    std::optional<Json> value;
    for (const TemplateCommand& command : pipeline.commands) {
      VENEER_TRY(value, Command(command, dot, std::move(value)));
    }
    return std::move(*value);
  }

  Result<Json> Command(const TemplateCommand& command, const Json& dot, std::optional<Json> piped) {
    if (command.front().kind != TemplateOperand::Kind::kFunction) {
      return Operand(command.front(), dot);
    }
    const std::string& function = command.front().name;
    const bool conjunction = function == "and";
    std::vector<Json> arguments;
    for (size_t i = 1; i < command.size(); ++i) {
      VENEER_TRY(Json argument, Operand(command[i], dot));
      // The first that decides is the value, and what comes after it is not evaluated.
      const bool logical = conjunction || function == "or";
      if (logical && IsTrueValue(argument) != conjunction) return argument;
      arguments.push_back(std::move(argument));
    }
    if (piped) arguments.push_back(std::move(*piped));
    VENEER_TRY(Json result, CallTemplateFunction(function, std::move(arguments), headings_));
    if (result.is_string() && result.get_ref<const std::string&>().size() > kMaxText)
      return TooMuch();
    return result;
  }

  Result<Json> Operand(const TemplateOperand& operand, const Json& dot) {
    Json value;
    switch (operand.kind) {
      case TemplateOperand::Kind::kDot: return Walk(dot, operand.path);
      case TemplateOperand::Kind::kLiteral: return operand.literal;
      case TemplateOperand::Kind::kVariable: return Walk(Variable(operand.name), operand.path);
      case TemplateOperand::Kind::kFunction:
        return CallTemplateFunction(operand.name, {}, headings_);
      case TemplateOperand::Kind::kNested: break;
    }
    VENEER_TRY(value, Pipeline(*operand.nested, dot));
    return Walk(value, operand.path);
  }

  const Json& Variable(const std::string& name) const {
    for (const auto& [known, value] : variables_ | std::views::reverse) {
      if (known == name) return value;
    }
    return root_;  // "$": the parser lets no other unknown one through
  }

  static Result<Json> Walk(const Json& from, const std::vector<std::string>& path) {
    if (path.empty()) return from;
    VENEER_TRY(Json value, FieldOf(from, path.front()));
    for (size_t i = 1; i < path.size(); ++i) {
      VENEER_TRY(Json next, FieldOf(value, path[i]));
      value = std::move(next);
    }
    return value;
  }

  const Json& root_;
  const bool headings_;
  std::string output_;
  std::vector<std::pair<std::string, Json>> variables_;
};

}  // namespace

Result<GoTemplate> GoTemplate::Parse(std::string_view text) {
  VENEER_TRY(ParsedTemplate parsed, ParseTemplate(text));
  GoTemplate result;
  result.nodes_ = std::make_shared<const std::vector<TemplateNode>>(std::move(parsed.nodes));
  result.fields_ = std::move(parsed.fields);
  result.whole_ = parsed.whole;
  return result;
}

Result<std::string> GoTemplate::Execute(const Json& value) const {
  return Execution(value, false).Run(*nodes_);
}

Result<std::string> GoTemplate::ExecuteHeadings(const Json& headings) const {
  return Execution(headings, true).Run(*nodes_);
}

std::string UnescapeTemplate(std::string_view text) {
  std::string result;
  size_t i = 0;
  while (i < text.size()) {
    if (text.substr(i).starts_with("{{")) {
      const size_t end = std::min(text.find("}}", i), text.size());
      result += text.substr(i, end - i);
      i = end;
    } else if (text[i] == '\\' && i + 1 < text.size() &&
               (text[i + 1] == 't' || text[i + 1] == 'n')) {
      result += text[i + 1] == 't' ? '\t' : '\n';
      i += 2;
    } else {
      result += text[i++];
    }
  }
  return result;
}

}  // namespace veneer
