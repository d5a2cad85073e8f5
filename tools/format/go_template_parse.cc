// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tools/format/go_template_functions.h"
#include "tools/format/go_template_lexer.h"
#include "tools/format/go_template_tree.h"

namespace veneer {

namespace {

using TokenKind = TemplateToken::Kind;

// Far deeper than anybody writes, and shallow enough for the stack.
constexpr size_t kMaxDepth = 64;

bool Is(const std::vector<TemplateToken>& tokens, size_t token, std::string_view what) {
  return token < tokens.size() && tokens[token].kind == TokenKind::kPunctuation &&
         tokens[token].text == what;
}

std::string TextOf(const TemplateToken& token) {
  switch (token.kind) {
    case TokenKind::kLiteral: return token.value.is_missing() ? "a number" : token.value.ToJson();
    case TokenKind::kField: return "." + token.text;
    case TokenKind::kDot: return ".";
    case TokenKind::kWord:
    case TokenKind::kVariable:
    case TokenKind::kPunctuation: break;
  }
  return token.text;
}

tl::unexpected<Error> Unexpected(const TemplateToken& token) {
  return TemplateError(token.position, "unexpected " + TextOf(token));
}

bool IsEmpty(const std::vector<TemplateNode>& nodes) {
  return std::ranges::all_of(nodes, [](const TemplateNode& node) {
    return node.kind == TemplateNode::Kind::kText &&
           node.text.find_first_not_of(" \t\r\n") == std::string::npos;
  });
}

class Parser {
 public:
  explicit Parser(std::vector<TemplatePiece> pieces) : pieces_(std::move(pieces)) {}

  Result<ParsedTemplate> Parse() {
    VENEER_TRY(parsed_.nodes, List(true));
    if (at_ < pieces_.size()) {
      return TemplateError(pieces_[at_].position,
                           "{{" + Keyword() + "}} without if, range, with or define");
    }
    return std::move(parsed_);
  }

 private:
  // The keyword that the piece at hand begins with; empty: it is text or begins with something
  // else.
  std::string Keyword() const {
    const TemplatePiece& piece = pieces_[at_];
    if (!piece.is_action || piece.tokens.front().kind != TokenKind::kWord) return {};
    return piece.tokens.front().text;
  }

  // The piece at hand is one word and nothing else.
  Result<void> Alone(const std::string& keyword) const {
    const std::vector<TemplateToken>& tokens = pieces_[at_].tokens;
    if (tokens.size() == 1) return {};
    return TemplateError(tokens[1].position, "after " + keyword + " comes }}");
  }

  // Reads nodes up to an {{else}}, an {{end}} or the end of the template, which stays.
  Result<std::vector<TemplateNode>> List(bool top) {
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
      if (keyword == "define" && top) {
        VENEER_TRY_VOID(Define());
        continue;
      }
      if (keyword == "if" || keyword == "range" || keyword == "with") {
        VENEER_TRY(node, Control(1));
      } else if (keyword == "template") {
        VENEER_TRY(node, Call(false));
      } else if (keyword == "block") {
        VENEER_TRY(node, Block());
      } else if (keyword == "break" || keyword == "continue") {
        VENEER_TRY_VOID(Alone(keyword));
        if (ranges_ == 0) {
          return TemplateError(piece.position, "{{" + keyword + "}} outside of range");
        }
        node.kind = keyword == "break" ? TemplateNode::Kind::kBreak : TemplateNode::Kind::kContinue;
      } else {
        node.kind = TemplateNode::Kind::kPrint;
        VENEER_TRY(node.pipeline, WholePipeline(0, false));
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  // --- templates with names ----------------------------------------------------------------------

  // The string behind the keyword of the piece at hand.
  Result<std::string> Name() const {
    const std::vector<TemplateToken>& tokens = pieces_[at_].tokens;
    const bool named = tokens.size() > 1 && tokens[1].kind == TokenKind::kLiteral &&
                       tokens[1].value.kind() == GoValue::Kind::kString;
    if (!named) {
      return TemplateError(tokens[0].position, tokens[0].text + " wants a name in quotes");
    }
    return tokens[1].value.text();
  }

  // The nodes up to the {{end}} of this name; they see no variables of those around them.
  Result<void> Body(const std::string& name, size_t position) {
    if (++depth_ > kMaxDepth) return TemplateError(position, "nested too deep");
    std::vector<std::string> outside;
    variables_.swap(outside);
    const size_t ranges = std::exchange(ranges_, 0);
    ++at_;
    VENEER_TRY(std::vector<TemplateNode> nodes, List(false));
    if (at_ >= pieces_.size() || Keyword() != "end") {
      return TemplateError(position, "{{define}} or {{block}} without {{end}}");
    }
    VENEER_TRY_VOID(Alone("end"));
    ranges_ = ranges;
    variables_.swap(outside);
    --depth_;
    const auto [known, added] = parsed_.templates.try_emplace(name, std::move(nodes));
    if (added) return {};
    if (IsEmpty(known->second)) {
      known->second = std::move(nodes);
    } else if (!IsEmpty(nodes)) {
      return TemplateError(position, "the template \"" + name + "\" is defined twice");
    }
    return {};
  }

  Result<void> Define() {
    const TemplatePiece& piece = pieces_[at_];
    VENEER_TRY(const std::string name, Name());
    if (piece.tokens.size() > 2) return Unexpected(piece.tokens[2]);
    return Body(name, piece.position);
  }

  Result<TemplateNode> Call(bool must_have_value) {
    TemplateNode node;
    node.kind = TemplateNode::Kind::kTemplate;
    VENEER_TRY(node.text, Name());
    if (must_have_value || pieces_[at_].tokens.size() > 2) {
      VENEER_TRY(node.pipeline, WholePipeline(2, false));
    }
    return node;
  }

  Result<TemplateNode> Block() {
    const size_t position = pieces_[at_].position;
    VENEER_TRY(TemplateNode node, Call(true));
    VENEER_TRY_VOID(Body(node.text, position));
    return node;
  }

  // --- if, range, with ---------------------------------------------------------------------------

  // Its keyword stands before token `first` of the piece at hand. Up to its {{end}}.
  Result<TemplateNode> Control(size_t first) {
    const size_t position = pieces_[at_].position;
    if (++depth_ > kMaxDepth) return TemplateError(position, "nested too deep");
    const std::string keyword = pieces_[at_].tokens[first - 1].text;
    TemplateNode node;
    const bool range = keyword == "range";
    node.kind = range               ? TemplateNode::Kind::kRange
                : keyword == "with" ? TemplateNode::Kind::kWith
                                    : TemplateNode::Kind::kIf;
    const size_t scope = variables_.size();
    VENEER_TRY(node.pipeline, WholePipeline(first, range));
    ++at_;
    ranges_ += range ? 1 : 0;
    VENEER_TRY(node.then, List(false));
    ranges_ -= range ? 1 : 0;
    VENEER_TRY_VOID(Otherwise(&node, position, keyword));
    variables_.resize(scope);
    --depth_;
    return node;
  }

  Result<void> Otherwise(TemplateNode* node, size_t position, const std::string& keyword) {
    const auto unended = [&] {
      return TemplateError(position, "{{" + keyword + "}} without {{end}}");
    };
    if (at_ >= pieces_.size()) return unended();
    if (Keyword() == "else") {
      const std::vector<TemplateToken>& tokens = pieces_[at_].tokens;
      if (tokens.size() > 1) {
        // {{else if}} of an if; {{else with}} of a with since Go 1.23.
        const bool chained =
            tokens[1].kind == TokenKind::kWord && tokens[1].text == keyword && keyword != "range";
        if (!chained) return TemplateError(tokens[1].position, "after else comes }}");
        VENEER_TRY(TemplateNode inner, Control(2));  // ends at the same {{end}}
        node->otherwise.push_back(std::move(inner));
        return {};
      }
      ++at_;
      VENEER_TRY(node->otherwise, List(false));
      if (at_ >= pieces_.size()) return unended();
    }
    if (Keyword() != "end") return TemplateError(pieces_[at_].position, "{{else}} twice");
    return Alone("end");
  }

  // --- pipelines ---------------------------------------------------------------------------------

  // The tokens of the piece at hand from `first` on.
  Result<TemplatePipeline> WholePipeline(size_t first, bool range) {
    const std::vector<TemplateToken>& tokens = pieces_[at_].tokens;
    size_t token = first;
    VENEER_TRY(TemplatePipeline pipeline, Pipeline(tokens, &token, range));
    if (token < tokens.size()) return Unexpected(tokens[token]);
    return pipeline;
  }

  Result<TemplatePipeline> Pipeline(const std::vector<TemplateToken>& tokens, size_t* token,
                                    bool range) {
    TemplatePipeline pipeline;
    Variables(tokens, token, range, &pipeline);
    for (;;) {
      VENEER_TRY(TemplateCommand command, Command(tokens, token));
      // A value at a later place of a pipeline cannot take what is piped.
      const TemplateOperand& word = command.front();
      const bool value = word.path.empty() && word.kind != TemplateOperand::Kind::kVariable &&
                         word.kind != TemplateOperand::Kind::kFunction &&
                         word.kind != TemplateOperand::Kind::kNested;
      if (value && !pipeline.commands.empty()) {
        return TemplateError(tokens[*token - 1].position,
                             "a value cannot be piped into what is no function");
      }
      pipeline.commands.push_back(std::move(command));
      if (!Is(tokens, *token, "|")) return pipeline;
      ++*token;
      // As Go does, a "|" with nothing behind it is let pass.
      if (*token == tokens.size() || Is(tokens, *token, ")")) return pipeline;
    }
  }

  // "$a :=", "$i, $e :=" or "$a =" at the front. That a variable is there that is set with "=" is
  // found out when it is done.
  void Variables(const std::vector<TemplateToken>& tokens, size_t* token, bool range,
                 TemplatePipeline* pipeline) {
    size_t at = *token;
    std::vector<std::string> names;
    while (at < tokens.size() && tokens[at].kind == TokenKind::kVariable) {
      names.push_back(tokens[at++].text);
      if (!range || names.size() == 2 || !Is(tokens, at, ",")) break;
      ++at;
    }
    if (names.empty() || (!Is(tokens, at, ":=") && !Is(tokens, at, "="))) return;
    pipeline->declares = tokens[at].text == ":=";
    variables_.insert(variables_.end(), names.begin(), names.end());
    pipeline->variables = std::move(names);
    *token = at + 1;
  }

  Result<TemplateCommand> Command(const std::vector<TemplateToken>& tokens, size_t* token) {
    TemplateCommand command;
    while (*token < tokens.size() && !Is(tokens, *token, "|") && !Is(tokens, *token, ")")) {
      if (!command.empty() && !tokens[*token].spaced) return Unexpected(tokens[*token]);
      VENEER_TRY(TemplateOperand operand, Operand(tokens, token));
      command.push_back(std::move(operand));
    }
    if (command.empty()) {
      const size_t position = tokens[std::min(*token, tokens.size() - 1)].position;
      return TemplateError(position, "a value is missing");
    }
    return command;
  }

  Result<TemplateOperand> Operand(const std::vector<TemplateToken>& tokens, size_t* at) {
    VENEER_TRY(TemplateOperand operand, Term(tokens, at));
    // .A.B, $x.A, (f).A
    while (*at < tokens.size() && tokens[*at].kind == TokenKind::kField && !tokens[*at].spaced) {
      const bool has_fields = operand.kind == TemplateOperand::Kind::kVariable ||
                              operand.kind == TemplateOperand::Kind::kFunction ||
                              operand.kind == TemplateOperand::Kind::kNested ||
                              !operand.path.empty();
      if (!has_fields) return Unexpected(tokens[*at]);
      operand.path.push_back(tokens[(*at)++].text);
    }
    const bool of_root = operand.kind == TemplateOperand::Kind::kDot || operand.name == "$";
    if (of_root && !operand.path.empty()) parsed_.fields.insert(operand.path.front());
    if (of_root && operand.path.empty()) parsed_.whole = true;
    return operand;
  }

  Result<TemplateOperand> Term(const std::vector<TemplateToken>& tokens, size_t* at) {
    const TemplateToken& token = tokens[(*at)++];
    TemplateOperand operand;
    switch (token.kind) {
      case TokenKind::kDot: return operand;
      case TokenKind::kField: operand.path.push_back(token.text); return operand;
      case TokenKind::kVariable: {
        operand.kind = TemplateOperand::Kind::kVariable;
        operand.name = token.text;
        const bool known =
            token.text == "$" || std::ranges::find(variables_, token.text) != variables_.end();
        if (known) return operand;
        return TemplateError(token.position, "undefined variable " + token.text);
      }
      case TokenKind::kLiteral: {
        const bool number = token.value.kind() != GoValue::Kind::kString;
        operand.kind = number ? TemplateOperand::Kind::kNumber : TemplateOperand::Kind::kLiteral;
        operand.literal = token.value;
        operand.whole = token.whole;
        return operand;
      }
      case TokenKind::kWord: return Word(token);
      case TokenKind::kPunctuation: break;
    }
    if (token.text != "(") return Unexpected(token);
    if (++depth_ > kMaxDepth) return TemplateError(token.position, "nested too deep");
    VENEER_TRY(TemplatePipeline nested, Pipeline(tokens, at, false));
    if (!Is(tokens, *at, ")")) return TemplateError(token.position, "( without )");
    ++*at;
    --depth_;
    operand.kind = TemplateOperand::Kind::kNested;
    operand.nested = std::make_shared<const TemplatePipeline>(std::move(nested));
    return operand;
  }

  static Result<TemplateOperand> Word(const TemplateToken& token) {
    TemplateOperand operand;
    operand.kind = TemplateOperand::Kind::kLiteral;
    if (token.text == "true" || token.text == "false") {
      operand.literal = GoValue::Bool(token.text == "true");
    } else if (token.text == "nil") {
      operand.kind = TemplateOperand::Kind::kNil;
    } else if (IsTemplateFunction(token.text)) {
      operand.kind = TemplateOperand::Kind::kFunction;
      operand.name = token.text;
    } else {
      return TemplateError(token.position, "function \"" + token.text + "\" not defined");
    }
    return operand;
  }

  std::vector<TemplatePiece> pieces_;
  size_t at_ = 0;  // the piece at hand
  size_t depth_ = 0;
  size_t ranges_ = 0;  // open ones
  std::vector<std::string> variables_;
  ParsedTemplate parsed_;
};

}  // namespace

Result<ParsedTemplate> ParseTemplate(std::string_view text) {
  VENEER_TRY(std::vector<TemplatePiece> pieces, CutTemplate(text));
  return Parser(std::move(pieces)).Parse();
}

}  // namespace veneer
