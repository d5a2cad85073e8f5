// SPDX-License-Identifier: Apache-2.0
#include "tools/image/go_template_lexer.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace veneer {

namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

bool IsSpace(char c) { return kSpaces.find(c) != std::string_view::npos; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

void AppendUtf8(uint32_t code, std::string* text) {
  if (code < 0x80) {
    *text += static_cast<char>(code);
  } else if (code < 0x800) {
    *text += static_cast<char>(0xC0 | (code >> 6));
    *text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *text += static_cast<char>(0xE0 | (code >> 12));
    *text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    *text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *text += static_cast<char>(0xF0 | (code >> 18));
    *text += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    *text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    *text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// What \x, \u and \U stand for; nullopt: too few digits.
std::optional<uint32_t> HexCode(std::string_view digits, size_t count) {
  if (digits.size() < count) return std::nullopt;
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + count, code, 16);
  if (error != std::errc() || end != digits.data() + count || code > 0x10FFFF) return std::nullopt;
  return code;
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
      at_ = open + kOpen.size() + (TrimsBefore(open) ? 1 : 0);
      VENEER_TRY(trim, Action(&piece));
      if (!piece.tokens.empty()) pieces.push_back(std::move(piece));
    }
    return pieces;
  }

 private:
  bool TrimsBefore(size_t open) const {
    const size_t dash = open + kOpen.size();
    return dash + 1 < text_.size() && text_[dash] == '-' && IsSpace(text_[dash + 1]);
  }
  bool StartsWith(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  // Reads up to the end of an action. True when the text behind it is trimmed.
  Result<bool> Action(TemplatePiece* piece) {
    bool spaced = SkipSpaces();
    if (StartsWith("/*")) return Comment(piece->position);
    for (;;) {
      if (at_ >= text_.size()) return TemplateError(piece->position, "{{ without }}");
      if (StartsWith(kClose)) {
        at_ += kClose.size();
        if (piece->tokens.empty())
          return TemplateError(piece->position, "nothing between {{ and }}");
        return false;
      }
      if (spaced && StartsWith("-}}")) {
        at_ += 1 + kClose.size();
        if (piece->tokens.empty())
          return TemplateError(piece->position, "nothing between {{ and }}");
        return true;
      }
      TemplateToken token;
      token.position = at_;
      token.spaced = spaced;
      VENEER_TRY_VOID(Token(&token));
      piece->tokens.push_back(std::move(token));
      spaced = SkipSpaces();
    }
  }

  bool SkipSpaces() {
    const size_t before = at_;
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    return at_ != before;
  }

  Result<bool> Comment(size_t position) {
    const size_t end = text_.find("*/", at_);
    if (end == std::string_view::npos) return TemplateError(position, "a comment without */");
    at_ = end + 2;
    const bool trim = SkipSpaces() && StartsWith("-}}");
    if (trim) ++at_;
    if (!StartsWith(kClose))
      return TemplateError(position, "a comment is followed by more than }}");
    at_ += kClose.size();
    return trim;
  }

  std::string Name() {
    const size_t start = at_;
    while (at_ < text_.size() && IsNameByte(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Result<void> Token(TemplateToken* token) {
    using Kind = TemplateToken::Kind;
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '"') return Quoted(token);
    if (c == '`') return Raw(token);
    if (c == '\'') return Character(token);
    if (IsDigit(c) || ((c == '-' || c == '+') && (IsDigit(next) || next == '.')) ||
        (c == '.' && IsDigit(next))) {
      return Number(token);
    }
    if (c == '.') {
      ++at_;
      token->text = Name();
      token->kind = token->text.empty() ? Kind::kDot : Kind::kField;
      return {};
    }
    if (c == '$') {
      ++at_;
      token->kind = Kind::kVariable;
      token->text = "$" + Name();
      return {};
    }
    if (IsNameByte(c)) {
      token->text = Name();
      token->kind = Kind::kWord;
      return {};
    }
    token->text = c == ':' && next == '=' ? ":=" : std::string(1, c);
    if (std::string_view("|(),=").find(c) == std::string_view::npos && token->text != ":=") {
      return TemplateError(at_, "unexpected '" + std::string(1, c) + "'");
    }
    at_ += token->text.size();
    return {};
  }

  // One character of a string or character constant, escapes resolved.
  Result<void> Character(char quote, std::string* out) {
    const char c = text_[at_++];
    if (c != '\\') {
      *out += c;
      return {};
    }
    constexpr std::string_view kLetters = "ntrabfv\\";
    constexpr std::string_view kMeanings = "\n\t\r\a\b\f\v\\";
    const char kind = at_ < text_.size() ? text_[at_++] : '\0';
    if (kind == quote) {
      *out += quote;
      return {};
    }
    if (const size_t known = kLetters.find(kind); known != std::string_view::npos) {
      *out += kMeanings[known];
      return {};
    }
    const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    const auto code = HexCode(text_.substr(at_), digits);
    if (digits == 0 || !code) return TemplateError(at_ - 2, "an unknown escape in a string");
    at_ += digits;
    if (kind == 'x') {
      *out += static_cast<char>(*code);
    } else {
      AppendUtf8(*code, out);
    }
    return {};
  }

  Result<void> Quoted(TemplateToken* token) {
    std::string text;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
      VENEER_TRY_VOID(Character('"', &text));
    }
    if (at_ >= text_.size() || text_[at_] != '"') {
      return TemplateError(token->position, "a string without its closing quote");
    }
    ++at_;
    token->kind = TemplateToken::Kind::kLiteral;
    token->value = std::move(text);
    return {};
  }

  Result<void> Raw(TemplateToken* token) {
    const size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) {
      return TemplateError(token->position, "a string without its closing quote");
    }
    token->kind = TemplateToken::Kind::kLiteral;
    token->value = std::string(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return {};
  }

  Result<void> Character(TemplateToken* token) {
    std::string text;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '\'' && text_[at_] != '\n') {
      VENEER_TRY_VOID(Character('\'', &text));
    }
    if (at_ >= text_.size() || text_[at_] != '\'' || text.size() != 1) {
      return TemplateError(token->position, "a character constant is one character in quotes");
    }
    ++at_;
    token->kind = TemplateToken::Kind::kLiteral;
    token->value = int64_t{static_cast<unsigned char>(text[0])};
    return {};
  }

  Result<void> Number(TemplateToken* token) {
    const size_t start = at_;
    if (text_[at_] == '-' || text_[at_] == '+') ++at_;
    while (at_ < text_.size() && (IsNameByte(text_[at_]) || text_[at_] == '.')) ++at_;
    std::string_view number = text_.substr(start, at_ - start);
    if (number.front() == '+') number.remove_prefix(1);
    token->kind = TemplateToken::Kind::kLiteral;
    const char* end = number.data() + number.size();
    int64_t whole = 0;
    if (const auto read = std::from_chars(number.data(), end, whole);
        read.ec == std::errc() && read.ptr == end) {
      token->value = whole;
      return {};
    }
    double fraction = 0;
    if (const auto read = std::from_chars(number.data(), end, fraction);
        read.ec == std::errc() && read.ptr == end) {
      token->value = fraction;
      return {};
    }
    return TemplateError(start, "'" + std::string(number) + "' is not a number");
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
