// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
// A word within a word: ${a:-${b:-c}}. A person needs two or three.
constexpr int kMaxDepth = 16;

bool IsBlank(char c) { return kBlanks.find(c) != std::string_view::npos; }

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

class Expander {
 public:
  Expander(std::string_view word, VariableLookup lookup, int depth)
      : word_(word), lookup_(lookup), depth_(depth) {}

  Result<std::string> Run() {
    if (depth_ > kMaxDepth) return Bad("variables are nested too deep");
    while (at_ < word_.size()) {
      const char c = word_[at_];
      if (c == '\'') {
        VENEER_TRY_VOID(Single());
      } else if (c == '"') {
        VENEER_TRY_VOID(Double());
      } else if (c == '$') {
        VENEER_TRY_VOID(Variable());
      } else {
        if (c == '\\' && at_ + 1 < word_.size()) ++at_;
        out_ += word_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> Bad(const std::string& why) const {
    return MakeError("in `" + std::string(word_) + "` " + why, ExitCode::kUsage);
  }

  Result<void> Single() {
    const size_t end = word_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return Bad("a single quote is not closed");
    out_ += word_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return {};
  }

  Result<void> Double() {
    ++at_;
    while (at_ < word_.size()) {
      const char c = word_[at_];
      if (c == '"') {
        ++at_;
        return {};
      }
      if (c == '$') {
        VENEER_TRY_VOID(Variable());
        continue;
      }
      if (c == '\\' && at_ + 1 < word_.size()) {
        const char next = word_[at_ + 1];
        if (next == '"' || next == '$' || next == '\\') ++at_;
      }
      out_ += word_[at_++];
    }
    return Bad("a double quote is not closed");
  }

  // The length of the variable's name at `from`.
  size_t NameLength(size_t from) const {
    if (from >= word_.size() || !IsNameStart(word_[from])) return 0;
    size_t end = from;
    while (end < word_.size() && IsNamePart(word_[end])) ++end;
    return end - from;
  }

  Result<void> Variable() {
    const size_t begin = at_ + 1;
    if (begin < word_.size() && word_[begin] == '{') return Braces(begin + 1);
    const size_t length = NameLength(begin);
    if (length == 0) {  // a dollar that stands for itself
      out_ += '$';
      at_ = begin;
      return {};
    }
    out_ += lookup_(word_.substr(begin, length)).value_or("");
    at_ = begin + length;
    return {};
  }

  // The end of what began with "${", where `from` is: at its brace.
  size_t ClosingBrace(size_t from) const {
    int open = 1;
    for (size_t i = from; i < word_.size(); ++i) {
      if (word_[i] == '\\') {
        ++i;
      } else if (word_[i] == '$' && i + 1 < word_.size() && word_[i + 1] == '{') {
        ++open;
        ++i;
      } else if (word_[i] == '}' && --open == 0) {
        return i;
      }
    }
    return std::string_view::npos;
  }

  Result<void> Braces(size_t begin) {
    const size_t end = ClosingBrace(begin);
    if (end == std::string_view::npos) return Bad("a brace is not closed");
    const size_t length = NameLength(begin);
    if (length == 0) return Bad("${ is not followed by a variable's name");
    const std::optional<std::string> value = lookup_(word_.substr(begin, length));
    const std::string_view rest = word_.substr(begin + length, end - begin - length);
    at_ = end + 1;
    if (rest.empty()) {
      out_ += value.value_or("");
      return {};
    }
    const bool colon = rest.starts_with(':');
    const std::string_view modifier = rest.substr(0, colon ? 2 : 1);
    const bool there = value && !(colon && value->empty());
    const bool instead = modifier.ends_with('-');
    if (!instead && !modifier.ends_with('+')) {
      return Bad("${" + std::string(word_.substr(begin, length)) + std::string(modifier) +
                 "…} is none of ${name}, ${name:-word} and ${name:+word}");
    }
    if (instead && there) {
      out_ += *value;
    } else if (instead != there) {
      VENEER_TRY(const std::string word,
                 Expander(rest.substr(modifier.size()), lookup_, depth_ + 1).Run());
      out_ += word;
    }
    return {};
  }

  const std::string_view word_;
  const VariableLookup lookup_;
  const int depth_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::vector<std::string> SplitInstructions(std::string_view text) {
  std::vector<std::string> instructions;
  std::string current;
  bool going_on = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view trimmed = Trim(line);
    if (trimmed.starts_with('#') || (trimmed.empty() && !going_on)) continue;
    going_on = trimmed.ends_with('\\');
    if (going_on) {
      line = line.substr(0, line.rfind('\\'));
      current += line;
      continue;
    }
    current += line;
    if (!Trim(current).empty()) instructions.emplace_back(Trim(current));
    current.clear();
  }
  if (!Trim(current).empty()) instructions.emplace_back(Trim(current));
  return instructions;
}

std::pair<std::string_view, std::string_view> SplitFirstWord(std::string_view text) {
  text = Trim(text);
  const size_t end = text.find_first_of(kBlanks);
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), Trim(text.substr(end))};
}

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && IsBlank(c)) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
      continue;
    }
    inside = true;
    word += c;
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

Result<std::string> ExpandWord(std::string_view word, VariableLookup lookup) {
  return Expander(word, lookup, 0).Run();
}

}  // namespace veneer
