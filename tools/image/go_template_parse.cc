// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tools/image/go_template_functions.h"
#include "tools/image/go_template_lexer.h"
#include "tools/image/go_template_tree.h"

namespace veneer {

namespace {

using Kind = TemplateToken::Kind;

// Far deeper than anybody writes, and shallow enough for the stack.
constexpr size_t kMaxDepth = 64;

class Parser {
 public:
  explicit Parser(std::vector<TemplatePiece> pieces) : pieces_(std::move(pieces)) {}

  Result<ParsedTemplate> Parse() {
    ParsedTemplate parsed;
    VENEER_TRY(parsed.nodes, List());
    if (at_ < pieces_.size()) {
      return TemplateError(pieces_[at_].position,
                           "{{" + Keyword() + "}} without if, range or with");
    }
    parsed.fields = std::move(fields_);
    parsed.whole = whole_;
    return parsed;
  }

 private:
  // The keyword that the piece at hand begins with; empty: it is text or begins with something
  // else.
  std::string Keyword() const {
    const TemplatePiece& piece = pieces_[at_];
    if (!piece.is_action || piece.tokens.front().kind != Kind::kWord) return {};
    return piece.tokens.front().text;
  }

  // Reads nodes up to an {{else}}, an {{end}} or the end of the template, which stays.
  Result<std::vector<TemplateNode>> List() {
    std::vector<TemplateNode> nodes;
    for (; at_ < pieces_.size(); ++at_) {
      TemplatePiece& piece = pieces_[at_];
      TemplateNode node;
      if (!piece.is_action) {
        node.text = std::move(piece.text);
        nodes.push_back(std::move(node));
        continue;
      }
      const std::string keyword = Keyword();
      if (keyword == "end" || keyword == "else") return nodes;
      if (keyword == "if" || keyword == "range" || keyword == "with") {
        VENEER_TRY(node, Control(1));
      } else if (keyword == "break" || keyword == "continue") {
        if (ranges_ == 0)
          return TemplateError(piece.position, "{{" + keyword + "}} outside of range");
        node.kind = keyword == "break" ? TemplateNode::Kind::kBreak : TemplateNode::Kind::kContinue;
      } else if (keyword == "define" || keyword == "template" || keyword == "block") {
        return TemplateError(piece.position, "{{" + keyword + "}} is not supported");
      } else {
        node.kind = TemplateNode::Kind::kPrint;
        VENEER_TRY(node.pipeline, WholePipeline(0, false));
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  // {{if}}, {{range}} or {{with}}, whose keyword stands before token `first` of the piece at hand,
  // up to its {{end}}.
  Result<TemplateNode> Control(size_t first) {
    const size_t position = pieces_[at_].position;
    const std::string keyword = pieces_[at_].tokens[first - 1].text;
    if (++depth_ > kMaxDepth) return TemplateError(position, "nested too deep");
    TemplateNode node;
    node.kind = keyword == "if"      ? TemplateNode::Kind::kIf
                : keyword == "range" ? TemplateNode::Kind::kRange
                                     : TemplateNode::Kind::kWith;
    const bool range = node.kind == TemplateNode::Kind::kRange;
    const size_t scope = variables_.size();
    VENEER_TRY(node.pipeline, WholePipeline(first, range));
    ++at_;
    ranges_ += range ? 1 : 0;
    const size_t inner = variables_.size();
    VENEER_TRY(node.then, List());
    ranges_ -= range ? 1 : 0;
    variables_.resize(inner);
    VENEER_TRY_VOID(Otherwise(&node, position, keyword));
    variables_.resize(scope);
    --depth_;
    return node;
  }

  Result<void> Otherwise(TemplateNode* node, size_t position, const std::string& keyword) {
    const auto open = [&] {
      return TemplateError(position, "{{" + keyword + "}} without {{end}}");
    };
    if (at_ >= pieces_.size()) return open();
    if (Keyword() == "else") {
      const std::vector<TemplateToken>& tokens = pieces_[at_].tokens;
      if (tokens.size() > 1) {
        const std::string& chained = tokens[1].text;
        if (tokens[1].kind != Kind::kWord || (chained != "if" && chained != "with")) {
          return TemplateError(tokens[1].position, "after else comes if, with or }}");
        }
        VENEER_TRY(TemplateNode inner, Control(2));  // ends at the same {{end}}
        node->otherwise.push_back(std::move(inner));
        return {};
      }
      ++at_;
      VENEER_TRY(node->otherwise, List());
      if (at_ >= pieces_.size()) return open();
    }
    if (Keyword() != "end") return TemplateError(pieces_[at_].position, "{{else}} twice");
    if (pieces_[at_].tokens.size() > 1) {
      return TemplateError(pieces_[at_].tokens[1].position, "after end comes }}");
    }
    return {};
  }

  // The tokens of the piece at hand from `first` on.
  Result<TemplatePipeline> WholePipeline(size_t first, bool range) {
    const std::vector<TemplateToken>& tokens = pieces_[at_].tokens;
    size_t token = first;
    TemplatePipeline pipeline;
    VENEER_TRY_VOID(Variables(tokens, &token, range, &pipeline));
    VENEER_TRY_VOID(Commands(tokens, &token, &pipeline));
    if (token < tokens.size()) return Unexpected(tokens[token]);
    if (pipeline.declares) {
      variables_.insert(variables_.end(), pipeline.variables.begin(), pipeline.variables.end());
    }
    return pipeline;
  }

  static bool Is(const std::vector<TemplateToken>& tokens, size_t token, std::string_view what) {
    return token < tokens.size() && tokens[token].kind == Kind::kPunctuation &&
           tokens[token].text == what;
  }

  static tl::unexpected<Error> Unexpected(const TemplateToken& token) {
    const std::string text = token.kind == Kind::kLiteral
                                 ? token.value.dump(-1, ' ', false, Json::error_handler_t::replace)
                             : token.kind == Kind::kField ? "." + token.text
                             : token.kind == Kind::kDot   ? "."
                                                          : token.text;
    return TemplateError(token.position, "unexpected " + text);
  }

  // "$a :=", "$i, $e :=" or "$a =" at the front.
  Result<void> Variables(const std::vector<TemplateToken>& tokens, size_t* token, bool range,
                         TemplatePipeline* pipeline) {
    size_t at = *token;
    std::vector<std::string> names;
    while (at < tokens.size() && tokens[at].kind == Kind::kVariable) {
      names.push_back(tokens[at++].text);
      if (!range || names.size() == 2 || !Is(tokens, at, ",")) break;
      ++at;
    }
    if (names.empty() || (!Is(tokens, at, ":=") && !Is(tokens, at, "="))) return {};
    pipeline->declares = tokens[at].text == ":=";
    for (const std::string& name : names) {
      if (!pipeline->declares) VENEER_TRY_VOID(Known(name, tokens[*token].position));
    }
    pipeline->variables = std::move(names);
    *token = at + 1;
    return {};
  }

  Result<void> Known(const std::string& variable, size_t position) const {
    if (variable == "$" || std::ranges::find(variables_, variable) != variables_.end()) return {};
    return TemplateError(position, "undefined variable " + variable);
  }

  Result<void> Commands(const std::vector<TemplateToken>& tokens, size_t* token,
                        TemplatePipeline* pipeline) {
    for (;;) {
      TemplateCommand command;
      while (*token < tokens.size() && !Is(tokens, *token, "|") && !Is(tokens, *token, ")")) {
        VENEER_TRY(TemplateOperand operand, Operand(tokens, token));
        command.push_back(std::move(operand));
      }
      if (command.empty()) {
        const size_t position = tokens[std::min(*token, tokens.size() - 1)].position;
        return TemplateError(position, "a value is missing");
      }
      const bool first = pipeline->commands.empty();
      const bool callable = command.front().kind == TemplateOperand::Kind::kFunction;
      if (!callable && (command.size() > 1 || !first)) {
        return TemplateError(tokens[*token - 1].position,
                             first ? "a value cannot be given arguments"
                                   : "a value cannot be piped into what is no function");
      }
      pipeline->commands.push_back(std::move(command));
      if (!Is(tokens, *token, "|")) return {};
      ++*token;
    }
  }

  Result<TemplateOperand> Operand(const std::vector<TemplateToken>& tokens, size_t* at) {
    const TemplateToken& token = tokens[(*at)++];
    TemplateOperand operand;
    switch (token.kind) {
      case Kind::kDot: break;
      case Kind::kField: operand.path.push_back(token.text); break;
      case Kind::kVariable:
        operand.kind = TemplateOperand::Kind::kVariable;
        operand.name = token.text;
        VENEER_TRY_VOID(Known(token.text, token.position));
        break;
      case Kind::kLiteral:
        operand.kind = TemplateOperand::Kind::kLiteral;
        operand.literal = token.value;
        break;
      case Kind::kWord: VENEER_TRY_VOID(Word(token, &operand)); break;
      case Kind::kPunctuation: {
        if (token.text != "(") return Unexpected(token);
        if (++depth_ > kMaxDepth) return TemplateError(token.position, "nested too deep");
        auto nested = std::make_shared<TemplatePipeline>();
        VENEER_TRY_VOID(Commands(tokens, at, nested.get()));
        if (!Is(tokens, *at, ")")) return TemplateError(token.position, "( without )");
        ++*at;
        --depth_;
        operand.kind = TemplateOperand::Kind::kNested;
        operand.nested = std::move(nested);
        break;
      }
    }
    // .A.B, $x.A, (f).A
    while (*at < tokens.size() && tokens[*at].kind == Kind::kField && !tokens[*at].spaced &&
           operand.kind != TemplateOperand::Kind::kLiteral &&
           operand.kind != TemplateOperand::Kind::kFunction) {
      operand.path.push_back(tokens[(*at)++].text);
    }
    const bool of_root = operand.kind == TemplateOperand::Kind::kDot || operand.name == "$";
    if (of_root && !operand.path.empty()) fields_.insert(operand.path.front());
    if (of_root && operand.path.empty()) whole_ = true;
    return operand;
  }

  static Result<void> Word(const TemplateToken& token, TemplateOperand* operand) {
    operand->kind = TemplateOperand::Kind::kLiteral;
    if (token.text == "true" || token.text == "false") {
      operand->literal = token.text == "true";
    } else if (token.text == "nil") {
      operand->literal = nullptr;
    } else if (IsTemplateFunction(token.text)) {
      operand->kind = TemplateOperand::Kind::kFunction;
      operand->name = token.text;
    } else {
      return TemplateError(token.position, "function \"" + token.text + "\" not defined");
    }
    return {};
  }

  std::vector<TemplatePiece> pieces_;
  size_t at_ = 0;  // the piece at hand
  size_t depth_ = 0;
  size_t ranges_ = 0;  // open ones
  std::vector<std::string> variables_;
  std::set<std::string> fields_;
  bool whole_ = false;
};

}  // namespace

Result<ParsedTemplate> ParseTemplate(std::string_view text) {
  VENEER_TRY(std::vector<TemplatePiece> pieces, CutTemplate(text));
  return Parser(std::move(pieces)).Parse();
}

}  // namespace veneer
