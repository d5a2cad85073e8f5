// SPDX-License-Identifier: Apache-2.0
//
// ExpandWord of words.h. One pass from left to right: a word within braces is read where it stands,
// with the quotes and variables in it, and so a brace in quotes closes nothing.
#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/pattern.h"
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

// A word within a word: ${a:-${b:-c}}. A person needs two or three.
constexpr int kMaxDepth = 16;

bool IsDecimalDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNamePart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IsDecimalDigit(c);
}
// A shell's own variables, which a Dockerfile does not have.
bool IsSpecialName(char c) { return std::string_view("@*#?-$!").find(c) != std::string_view::npos; }

class Expander {
 public:
  Expander(std::string_view word, VariableLookup lookup, char escape)
      : word_(word), lookup_(lookup), escape_(escape) {}

  Result<std::string> Run() { return Until(std::nullopt, /*keep_escapes=*/false); }

 private:
  tl::unexpected<Error> Bad(const std::string& why) const {
    return InstructionError("in " + QuotedExcerpt(word_) + " " + why);
  }

  bool AtEnd() const { return at_ >= word_.size(); }

  Result<void> Append(std::string_view text, std::string* out) const {
    if (text.size() > kMaxExpandedWord || out->size() > kMaxExpandedWord - text.size()) {
      return Bad("the variables' values make more than 1 MiB");
    }
    out->append(text);
    return {};
  }

  // Up to `stop` and past it, or up to the end of the word. `keep_escapes`: what is read is a
  // pattern, in which an escaped character is another one than that character.
  Result<std::string> Until(std::optional<char> stop, bool keep_escapes) {
    std::string out;
    while (!AtEnd()) {
      const char c = word_[at_];
      if (stop && c == *stop) {
        ++at_;
        return out;
      }
      if (c == '\'') {
        VENEER_TRY_VOID(Single(&out));
      } else if (c == '"') {
        VENEER_TRY_VOID(Double(keep_escapes, &out));
      } else if (c == '$') {
        VENEER_TRY_VOID(Variable(&out));
      } else {
        if (c == escape_) {
          if (keep_escapes) out += c;
          // Nothing is left for an escape character at the end.
          if (++at_ >= word_.size()) break;
        }
        out += word_[at_++];
      }
    }
    if (stop) return Bad(*stop == '}' ? "a brace is not closed" : "a / is missing in ${name/a/b}");
    return out;
  }

  Result<void> Single(std::string* out) {
    const size_t end = word_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return Bad("a single quote is not closed");
    VENEER_TRY_VOID(Append(word_.substr(at_ + 1, end - at_ - 1), out));
    at_ = end + 1;
    return {};
  }

  Result<void> Double(bool keep_escapes, std::string* out) {
    ++at_;
    while (!AtEnd()) {
      const char c = word_[at_];
      if (c == '"') {
        ++at_;
        return {};
      }
      if (c == '$') {
        VENEER_TRY_VOID(Variable(out));
        continue;
      }
      if (c == escape_ && at_ + 1 < word_.size()) {
        const char next = word_[at_ + 1];
        if (next == '"' || next == '$' || next == escape_) {
          if (keep_escapes) *out += c;
          ++at_;
        }
      }
      *out += word_[at_++];
    }
    return Bad("a double quote is not closed");
  }

  // The name that begins here, which may be empty.
  std::string_view Name() {
    const size_t begin = at_;
    if (AtEnd()) return {};
    if (IsSpecialName(word_[at_])) {
      ++at_;
    } else {
      // What begins with a digit is made of digits: $1a is $1 and an a.
      const bool number = IsDecimalDigit(word_[at_]);
      while (!AtEnd() && (number ? IsDecimalDigit(word_[at_]) : IsNamePart(word_[at_]))) ++at_;
    }
    return word_.substr(begin, at_ - begin);
  }

  Result<void> Variable(std::string* out) {
    ++at_;
    if (!AtEnd() && word_[at_] == '{') {
      if (depth_ >= kMaxDepth) return Bad("variables are nested too deep");
      ++at_;
      ++depth_;
      VENEER_TRY_VOID(Braces(out));
      --depth_;
      return {};
    }
    const std::string_view name = Name();
    if (name.empty()) return Append("$", out);
    return Append(lookup_(name).value_or(""), out);
  }

  Result<void> Braces(std::string* out) {
    const std::string_view name = Name();
    if (AtEnd()) return Bad("a brace is not closed");
    if (name.empty()) return Bad("${ is not followed by a variable's name");
    const std::optional<std::string> value = lookup_(name);
    const size_t modifier = at_;
    char operation = word_[at_++];
    if (operation == '}') return Append(value.value_or(""), out);
    const bool colon = operation == ':';
    if (colon) {
      if (AtEnd()) return Bad("a brace is not closed");
      operation = word_[at_++];
    }
    const bool there = value && !(colon && value->empty());
    switch (operation) {
      case '-': {
        VENEER_TRY(const std::string word, Operand(/*used=*/!there));
        return Append(there ? *value : word, out);
      }
      case '+': {
        VENEER_TRY(const std::string word, Operand(/*used=*/there));
        return Append(there ? word : "", out);
      }
      case '?': {
        VENEER_TRY(const std::string word, Operand(/*used=*/!there));
        if (there || unused_ > 0) return Append(value.value_or(""), out);
        const char* const plain = value ? "the variable is empty" : "the variable is not set";
        return InstructionError(std::string(name) + ": " +
                                (word.empty() ? plain : Printable(word)));
      }
      case '#':
      case '%': return Cut(value.value_or(""), operation, out);
      case '/':
        if (!colon) return Replace(value.value_or(""), out);
        break;
      default: break;
    }
    return Bad("${" + std::string(name) + Printable(word_.substr(modifier, at_ - modifier)) +
               "…} has none of the modifiers - + ? :- :+ :? # ## % %% / //");
  }

  // The word behind a modifier. One that is not used must be right, but need not be there.
  Result<std::string> Operand(bool used) {
    unused_ += used ? 0 : 1;
    VENEER_TRY(std::string word, Until('}', /*keep_escapes=*/false));
    unused_ -= used ? 0 : 1;
    return word;
  }

  bool Twice(char operation) {
    const bool twice = !AtEnd() && word_[at_] == operation;
    if (twice) ++at_;
    return twice;
  }

  Result<void> Cut(const std::string& value, char operation, std::string* out) {
    const bool longest = Twice(operation);
    VENEER_TRY(const std::string pattern, Until('}', /*keep_escapes=*/true));
    VENEER_TRY(const std::string_view rest, operation == '#' ? CutBeginning(value, pattern, longest)
                                                             : CutEnd(value, pattern, longest));
    return Append(rest, out);
  }

  Result<void> Replace(const std::string& value, std::string* out) {
    const bool all = Twice('/');
    VENEER_TRY(const std::string pattern, Until('/', /*keep_escapes=*/true));
    // BuildKit leaves escape characters in what is put in.
    VENEER_TRY(const std::string word, Until('}', /*keep_escapes=*/true));
    VENEER_TRY(const std::string replaced, ReplaceMatches(value, pattern, word, all));
    return Append(replaced, out);
  }

  const std::string_view word_;
  const VariableLookup lookup_;
  const char escape_;
  size_t at_ = 0;
  int depth_ = 0;
  int unused_ = 0;  // of the words around this place, how many nobody uses
};

}  // namespace

Result<std::string> ExpandWord(std::string_view word, VariableLookup lookup, char escape) {
  return Expander(word, lookup, escape).Run();
}

}  // namespace veneer
