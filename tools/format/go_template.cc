// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_template.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "tools/format/go_print.h"
#include "tools/format/go_template_functions.h"
#include "tools/format/go_template_tree.h"

namespace veneer {

namespace {

enum class Flow { kOn, kBreak, kContinue };

tl::unexpected<Error> TooMuch() {
  return MakeError("template: it makes more than " + std::to_string(kMaxTemplateText) + " bytes",
                   ExitCode::kUsage);
}

// Deep enough for what people write; what calls itself without an end is found out.
constexpr size_t kMaxCalls = 1000;

tl::unexpected<Error> Failure(const std::string& what) {
  return MakeError("template: " + what, ExitCode::kUsage);
}

// `has_arguments`: something is given to it, as to a method, of which there are none.
Result<GoValue> FieldOf(const GoValue& value, const std::string& name, bool has_arguments) {
  if (value.is_missing()) return GoValue();
  const GoValue* found = nullptr;
  if (value.kind() == GoValue::Kind::kMap || value.kind() == GoValue::Kind::kStruct) {
    found = value.Find(name);
    const bool known = found != nullptr || value.kind() == GoValue::Kind::kMap;
    if (known && has_arguments) return Failure(name + " is a value and cannot be given arguments");
    if (known) return found == nullptr ? GoValue() : *found;
  }
  if (value.kind() != GoValue::Kind::kStruct) {
    return Failure("can't evaluate field " + name + " of " + TypeOfValue(value));
  }
  std::string names;
  for (const auto& [member, unused] : value.members()) {
    names += (names.empty() ? "; there are " : ", ") + member;
  }
  return Failure("can't evaluate field " + name + names);
}

class Execution {
 public:
  Execution(const ParsedTemplate& parsed, const Json& value, bool headings)
      : parsed_(parsed), headings_(headings), variables_({{"$", GoValue::FromJson(value)}}) {}

  Result<std::string> Run() {
    const GoValue root = variables_.front().second;
    VENEER_TRY_VOID(List(parsed_.nodes, root));
    return std::move(output_);
  }

 private:
  using Kind = TemplateNode::Kind;
  using Word = TemplateOperand::Kind;

  Result<Flow> List(const std::vector<TemplateNode>& nodes, const GoValue& dot) {
    for (const TemplateNode& node : nodes) {
      VENEER_TRY(const Flow flow, Node(node, dot));
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  Result<Flow> Node(const TemplateNode& node, const GoValue& dot) {
    if (output_.size() > kMaxTemplateText) return TooMuch();
    const size_t scope = variables_.size();
    switch (node.kind) {
      case Kind::kText: output_ += node.text; return Flow::kOn;
      case Kind::kBreak: return Flow::kBreak;
      case Kind::kContinue: return Flow::kContinue;
      case Kind::kTemplate: VENEER_TRY_VOID(Call(node, dot)); return Flow::kOn;
      case Kind::kPrint: {
        VENEER_TRY(const GoValue value, Pipeline(node.pipeline, dot));
        if (node.pipeline.variables.empty()) {
          output_ += value.is_missing() ? "<no value>" : GoText(value);
        }
        return Flow::kOn;
      }
      case Kind::kIf:
      case Kind::kWith:
      case Kind::kRange: break;
    }
    VENEER_TRY(const GoValue value, Pipeline(node.pipeline, dot));
    Flow flow = Flow::kOn;
    if (node.kind == Kind::kRange) {
      VENEER_TRY(flow, Range(node, value, dot));
    } else {
      const bool holds = value.IsTrue();
      const GoValue& inner = holds && node.kind == Kind::kWith ? value : dot;
      VENEER_TRY(flow, List(holds ? node.then : node.otherwise, inner));
    }
    variables_.resize(scope);
    return flow;
  }

  Result<Flow> Range(const TemplateNode& node, const GoValue& value, const GoValue& dot) {
    const bool list = value.kind() == GoValue::Kind::kList;
    if (!list && value.kind() != GoValue::Kind::kMap && !value.is_missing()) {
      return Failure("range can't iterate over " + TypeOfValue(value));
    }
    if (!value.IsTrue()) return List(node.otherwise, dot);
    const size_t scope = variables_.size();
    const std::vector<std::string>& names = node.pipeline.variables;
    for (int64_t i = 0; i < value.size(); ++i) {
      // Go takes the keys of a map in their order, as they are here.
      const GoValue item = list ? value.at(i) : value.members()[i].second;
      const GoValue key = list ? GoValue::Int(i) : GoValue::String(value.members()[i].first);
      if (!names.empty()) VENEER_TRY_VOID(Set(names.back(), item));
      if (names.size() == 2) VENEER_TRY_VOID(Set(names.front(), key));
      VENEER_TRY(const Flow inner, List(node.then, item));
      variables_.resize(scope);
      if (inner == Flow::kBreak) break;
    }
    return Flow::kOn;
  }

  Result<void> Call(const TemplateNode& node, const GoValue& dot) {
    const auto found = parsed_.templates.find(node.text);
    if (found == parsed_.templates.end()) {
      return Failure("the template \"" + node.text + "\" is not defined");
    }
    if (++calls_ > kMaxCalls) return Failure("templates call each other without an end");
    GoValue value;
    if (!node.pipeline.commands.empty()) {
      VENEER_TRY(value, Pipeline(node.pipeline, dot));
    }
    std::vector<std::pair<std::string, GoValue>> outside = {{"$", value}};
    variables_.swap(outside);
    VENEER_TRY_VOID(List(found->second, value));
    variables_.swap(outside);
    --calls_;
    return {};
  }

  // The variable of this name that is nearest.
  GoValue* Variable(const std::string& name) {
    const auto nearest = std::find_if(variables_.rbegin(), variables_.rend(),
                                      [&](const auto& variable) { return variable.first == name; });
    return nearest == variables_.rend() ? nullptr : &nearest->second;
  }

  Result<void> Set(const std::string& name, const GoValue& value) {
    GoValue* known = Variable(name);
    if (known == nullptr) return Failure("undefined variable " + name);
    *known = value;
    return {};
  }

  Result<GoValue> Pipeline(const TemplatePipeline& pipeline, const GoValue& dot) {
    std::optional<GoValue> value;
    for (const TemplateCommand& command : pipeline.commands) {
      VENEER_TRY(value, Command(command, dot, value));
      if (value->kind() == GoValue::Kind::kNil) value = GoValue();
    }
    for (const std::string& name : pipeline.variables) {
      if (pipeline.declares) {
        variables_.emplace_back(name, *value);
      } else {
        VENEER_TRY_VOID(Set(name, *value));
      }
    }
    return std::move(*value);
  }

  // `piped`: what comes from the command before.
  Result<GoValue> Command(const TemplateCommand& command, const GoValue& dot,
                          const std::optional<GoValue>& piped) {
    const TemplateOperand& word = command.front();
    if (word.kind == Word::kFunction && word.path.empty()) {
      return Function(word.name, std::span(command).subspan(1), dot, piped);
    }
    if (word.kind == Word::kNil) return Failure("nil is not a command");
    const bool has_arguments = command.size() > 1 || piped;
    if (has_arguments && word.path.empty()) return Failure("a value cannot be given arguments");
    return Operand(word, dot, has_arguments);
  }

  Result<GoValue> Function(const std::string& name, std::span<const TemplateOperand> words,
                           const GoValue& dot, const std::optional<GoValue>& piped) {
    const TemplateFunction& function = *FindTemplateFunction(name);
    const size_t count = words.size() + (piped ? 1 : 0);
    if (count < function.fixed.size() || (count > function.fixed.size() && !function.variadic)) {
      return FunctionError(name, "takes " + std::to_string(function.fixed.size()) +
                                     (function.variadic            ? " arguments or more, not "
                                      : function.fixed.size() == 1 ? " argument, not "
                                                                   : " arguments, not ") +
                                     std::to_string(count));
    }
    const bool conjunction = name == "and";
    const bool logical = conjunction || name == "or";
    std::vector<GoValue> arguments;
    for (size_t i = 0; i < count; ++i) {
      const auto wanted = i < function.fixed.size() ? function.fixed[i] : TemplateParameter::kAny;
      GoValue argument;
      if (i < words.size()) {
        VENEER_TRY(argument, Argument(name, words[i], dot, wanted));
      } else {
        VENEER_TRY_VOID(Check(name, *piped, wanted));
        argument = *piped;
      }
      // The first that decides is the value, and what comes after it is not evaluated.
      if (logical && (argument.IsTrue() != conjunction || i + 1 == count)) return argument;
      arguments.push_back(std::move(argument));
    }
    if (headings_ && function.shapes) return std::move(arguments.front());
    VENEER_TRY(GoValue result, function.call(name, arguments));
    if (result.kind() == GoValue::Kind::kString && result.text().size() > kMaxTemplateText) {
      return TooMuch();
    }
    return result;
  }

  // What stands there as an argument of a function.
  Result<GoValue> Argument(const std::string& function, const TemplateOperand& operand,
                           const GoValue& dot, TemplateParameter wanted) {
    if (operand.kind == Word::kNil && wanted == TemplateParameter::kAny) return GoValue();
    if (operand.kind == Word::kNumber && wanted == TemplateParameter::kInt && operand.whole) {
      return GoValue::Int(*operand.whole);
    }
    if (operand.kind == Word::kNil) return FunctionError(function, "does not take nil");
    VENEER_TRY(GoValue value, Operand(operand, dot, false));
    VENEER_TRY_VOID(Check(function, value, wanted));
    return value;
  }

  Result<void> Check(const std::string& function, const GoValue& value, TemplateParameter wanted) {
    const auto bad = [&](const char* what) {
      return FunctionError(function, "wants " + std::string(what) + ", not " + TypeOfValue(value));
    };
    switch (wanted) {
      case TemplateParameter::kAny: return {};
      case TemplateParameter::kString:
        return value.kind() == GoValue::Kind::kString ? Result<void>() : bad("a string");
      case TemplateParameter::kInt:
        return value.kind() == GoValue::Kind::kInt ? Result<void>() : bad("a whole number");
      case TemplateParameter::kStrings: break;
    }
    const bool strings = value.kind() == GoValue::Kind::kList && value.TypeName() == "[]string";
    return strings || headings_ ? Result<void>() : bad("a list of strings");
  }

  Result<GoValue> Operand(const TemplateOperand& operand, const GoValue& dot, bool has_arguments) {
    switch (operand.kind) {
      case Word::kDot: return Walk(dot, operand.path, has_arguments);
      case Word::kVariable: {
        const GoValue* value = Variable(operand.name);
        if (value == nullptr) return Failure("undefined variable " + operand.name);
        return Walk(*value, operand.path, has_arguments);
      }
      case Word::kNumber:
        if (operand.literal.is_missing()) return Failure("a number is too large");
        return operand.literal;
      case Word::kNil: return GoValue();
      case Word::kLiteral: return operand.literal;
      case Word::kFunction: {
        VENEER_TRY(const GoValue value, Function(operand.name, {}, dot, std::nullopt));
        return Walk(value, operand.path, has_arguments);
      }
      case Word::kNested: break;
    }
    VENEER_TRY(const GoValue value, Pipeline(*operand.nested, dot));
    return Walk(value, operand.path, has_arguments);
  }

  static Result<GoValue> Walk(GoValue value, const std::vector<std::string>& path,
                              bool has_arguments) {
    for (size_t i = 0; i < path.size(); ++i) {
      VENEER_TRY(GoValue next, FieldOf(value, path[i], has_arguments && i + 1 == path.size()));
      value = std::move(next);
    }
    return value;
  }

  const ParsedTemplate& parsed_;
  const bool headings_;
  std::string output_;
  size_t calls_ = 0;
  std::vector<std::pair<std::string, GoValue>> variables_;
};

}  // namespace

Result<GoTemplate> GoTemplate::Parse(std::string_view text) {
  VENEER_TRY(ParsedTemplate parsed, ParseTemplate(text));
  GoTemplate result;
  result.parsed_ = std::make_shared<const ParsedTemplate>(std::move(parsed));
  return result;
}

const std::set<std::string>& GoTemplate::Fields() const { return parsed_->fields; }

bool GoTemplate::UsesWhole() const { return parsed_->whole; }

Result<std::string> GoTemplate::Execute(const Json& value) const {
  return Execution(*parsed_, value, false).Run();
}

Result<std::string> GoTemplate::ExecuteHeadings(const Json& headings) const {
  return Execution(*parsed_, headings, true).Run();
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
