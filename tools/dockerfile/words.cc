// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

bool IsBlank(char c) { return kWordBlanks.find(c) != std::string_view::npos; }

// Where a character stands: in quotes, behind an escape character, or free.
class Quotes {
 public:
  explicit Quotes(char escape) : escape_(escape) {}

  // Takes the next character; true: it is free, and so a blank ends a word.
  bool Next(char c) {
    if (escaped_) {
      escaped_ = false;
      return false;
    }
    if (c == escape_ && quote_ != '\'') {
      escaped_ = true;
      return false;
    }
    if (quote_ == 0) {
      if (c != '\'' && c != '"') return true;
      quote_ = c;
    } else if (c == quote_) {
      quote_ = 0;
    }
    return false;
  }
  bool inside() const { return quote_ != 0; }

 private:
  const char escape_;
  char quote_ = 0;
  bool escaped_ = false;
};

}  // namespace

std::string_view TrimBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWordBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWordBlanks) - begin + 1);
}

std::vector<std::string> SplitInstructions(std::string_view text) {
  std::vector<std::string> instructions;
  std::string current;
  bool going_on = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view trimmed = TrimBlanks(line);
    if (trimmed.starts_with('#') || (trimmed.empty() && !going_on)) continue;
    going_on = trimmed.ends_with('\\');
    if (going_on) {
      line = line.substr(0, line.rfind('\\'));
      current += line;
      continue;
    }
    current += line;
    if (!TrimBlanks(current).empty()) instructions.emplace_back(TrimBlanks(current));
    current.clear();
  }
  if (!TrimBlanks(current).empty()) instructions.emplace_back(TrimBlanks(current));
  return instructions;
}

std::pair<std::string_view, std::string_view> SplitFirstWord(std::string_view text) {
  text = TrimBlanks(text);
  const size_t end = text.find_first_of(kWordBlanks);
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), TrimBlanks(text.substr(end))};
}

std::vector<std::string> SplitWords(std::string_view text, char escape) {
  std::vector<std::string> words;
  Quotes quotes(escape);
  size_t begin = std::string_view::npos;  // of the word that is being read
  for (size_t i = 0; i < text.size(); ++i) {
    const bool ends = quotes.Next(text[i]) && IsBlank(text[i]);
    if (!ends) {
      if (begin == std::string_view::npos) begin = i;
    } else if (begin != std::string_view::npos) {
      words.emplace_back(text.substr(begin, i - begin));
      begin = std::string_view::npos;
    }
  }
  if (begin != std::string_view::npos) words.emplace_back(text.substr(begin));
  return words;
}

bool HasOpenQuote(std::string_view text, char escape) {
  Quotes quotes(escape);
  for (const char c : text) quotes.Next(c);
  return quotes.inside();
}

}  // namespace veneer
