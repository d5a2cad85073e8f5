// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_template_lexer.h"

#include <algorithm>

#include "layerdb/base/parse.h"
#include "tools/format/go_template_literals.h"

namespace veneer {

namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

bool IsSpace(char c) { return kSpaces.find(c) != std::string_view::npos; }
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<TemplatePiece>> Cut() {
    std::vector<TemplatePiece> pieces;
    bool trim = false;  // the last action ended with "-}}"
    while (at_ < text_.size()) {
      const size_t open = text_.find(kOpen, at_);
      std::string_view plain = text_.substr(at_, open - at_);
      if (open == std::string_view::npos) plain = text_.substr(at_);
      if (trim) plain.remove_prefix(std::min(plain.find_first_not_of(kSpaces), plain.size()));
      const bool action = open != std::string_view::npos;
      if (action && TrimsBefore(open)) {
        const size_t last = plain.find_last_not_of(kSpaces);
        plain = plain.substr(0, last == std::string_view::npos ? 0 : last + 1);
      }
      if (!plain.empty()) pieces.push_back({false, std::string(plain), {}, at_});
      if (!action) break;
      TemplatePiece piece{true, {}, {}, open};
      at_ = open + kOpen.size();
      const size_t marker = TrimsBefore(open) ? 2 : 0;  // "- "
      if (text_.substr(at_ + marker).starts_with("/*")) {
        at_ += marker;
        VENEER_TRY(trim, Comment(open));
        continue;
      }
      at_ += marker / 2;
      VENEER_TRY(trim, Action(&piece));
      if (piece.tokens.empty()) return TemplateError(open, "nothing between {{ and }}");
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }

 private:
  bool TrimsBefore(size_t open) const {
    const size_t dash = open + kOpen.size();
    return dash + 1 < text_.size() && text_[dash] == '-' && IsSpace(text_[dash + 1]);
  }
  bool StartsWith(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  // At "}}", or at white space, "-" and "}}"? Takes it.
  bool TakeClose(bool* trim) {
    *trim = at_ + 1 < text_.size() && IsSpace(text_[at_]) && text_[at_ + 1] == '-' &&
            text_.substr(at_ + 2).starts_with(kClose);
    if (!*trim && !StartsWith(kClose)) return false;
    at_ += kClose.size() + (*trim ? 2 : 0);
    return true;
  }

  // Reads up to the end of an action. True when the text behind it is trimmed.
  Result<bool> Action(TemplatePiece* piece) {
    bool spaced = false;
    bool trim = false;
    for (;;) {
      if (TakeClose(&trim)) return trim;
      if (at_ >= text_.size()) return TemplateError(piece->position, "{{ without }}");
      if (IsSpace(text_[at_])) {
        ++at_;
        spaced = true;
        continue;
      }
      TemplateToken token;
      token.position = at_;
      token.spaced = spaced;
      VENEER_TRY_VOID(Token(&token));
      piece->tokens.push_back(std::move(token));
      spaced = false;
    }
  }

  Result<bool> Comment(size_t position) {
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return TemplateError(position, "a comment without */");
    at_ = end + 2;
    bool trim = false;
    if (!TakeClose(&trim)) {
      return TemplateError(position, "a comment is followed by more than }}");
    }
    return trim;
  }

  std::string Name() {
    const size_t start = at_;
    while (at_ < text_.size() && IsNameByte(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  // After a name comes what ends it, so that "$x+2" is not two words.
  Result<void> EndOfName() const {
    const bool ends = at_ >= text_.size() || IsSpace(text_[at_]) || StartsWith(kClose) ||
                      std::string_view(".,|:)(").find(text_[at_]) != std::string_view::npos;
    if (ends) return {};
    return TemplateError(at_, "unexpected '" + std::string(1, text_[at_]) + "'");
  }

  Result<void> Token(TemplateToken* token) {
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '"' || c == '\'') return Quoted(c, token);
    if (c == '`') return Raw(token);
    if (IsDigit(c) || c == '-' || c == '+' || (c == '.' && IsDigit(next))) return Number(token);
    if (c == '.' || c == '$') {
      ++at_;
      const std::string name = Name();
      token->text = c == '$' ? "$" + name : name;
      token->kind = c == '$'       ? TemplateToken::Kind::kVariable
                    : name.empty() ? TemplateToken::Kind::kDot
                                   : TemplateToken::Kind::kField;
      return EndOfName();
    }
    if (IsNameByte(c)) {
      token->text = Name();
      token->kind = TemplateToken::Kind::kWord;
      return EndOfName();
    }
    token->text = c == ':' && next == '=' ? ":=" : std::string(1, c);
    if (std::string_view("|(),=").find(c) == std::string_view::npos && token->text != ":=") {
      return TemplateError(at_, "unexpected '" + std::string(1, c) + "'");
    }
    at_ += token->text.size();
    return {};
  }

  Result<void> Quoted(char quote, TemplateToken* token) {
    const size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    if (at_ >= text_.size() || text_[at_] != quote) {
      return TemplateError(token->position, "a string without its closing quote");
    }
    const std::string_view inside = text_.substr(start, at_++ - start);
    token->kind = TemplateToken::Kind::kLiteral;
    if (quote == '"') {
      const auto text = ReadGoString(inside);
      if (!text) return TemplateError(token->position, "an unknown escape in a string");
      token->value = GoValue::String(*text);
      return {};
    }
    const auto character = ReadGoCharacter(inside);
    if (!character) {
      return TemplateError(token->position, "a character constant is one character in quotes");
    }
    token->value = GoValue::Int(*character);
    token->whole = *character;
    return {};
  }

  Result<void> Raw(TemplateToken* token) {
    const size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) {
      return TemplateError(token->position, "a string without its closing quote");
    }
    token->kind = TemplateToken::Kind::kLiteral;
    token->value = GoValue::String(ReadGoRawString(text_.substr(at_ + 1, end - at_ - 1)));
    at_ = end + 1;
    return {};
  }

  Result<void> Number(TemplateToken* token) {
    const size_t start = at_;
    const auto takes = [&](char c) {
      const char before = text_[at_ - 1];
      const bool sign =
          (c == '+' || c == '-') && std::string_view("eEpP").find(before) != std::string_view::npos;
      return IsNameByte(c) || c == '.' || sign;
    };
    ++at_;
    while (at_ < text_.size() && takes(text_[at_])) ++at_;
    const std::string_view text = text_.substr(start, at_ - start);
    const auto number = ReadGoNumber(text);
    if (!number) return TemplateError(start, "'" + std::string(text) + "' is not a number");
    token->kind = TemplateToken::Kind::kLiteral;
    token->value = number->value;
    token->whole = number->whole;
    return {};
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

tl::unexpected<Error> TemplateError(size_t position, const std::string& what) {
  return MakeError("template, at byte " + std::to_string(position + 1) + ": " + what,
                   ExitCode::kUsage);
}

Result<std::vector<TemplatePiece>> CutTemplate(std::string_view text) { return Lexer(text).Cut(); }

}  // namespace veneer
