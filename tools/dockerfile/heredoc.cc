// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/heredoc.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

std::optional<HeredocMark> ReadMark(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
  if (!word.starts_with("<<")) return std::nullopt;
  word.remove_prefix(2);
  HeredocMark mark;
  if (word.starts_with('-')) {
    mark.strip_tabs = true;
    word.remove_prefix(1);
  }
  if (word.find('<') != std::string_view::npos) return std::nullopt;  // <<<text
  char quote = 0;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if (c == '\\' && quote != '\'') {
      if (++i < word.size()) mark.name += word[i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      mark.expand = false;
    } else if (c == quote) {
      quote = 0;
    } else {
      mark.name += c;
    }
  }
  if (mark.name.empty()) return std::nullopt;
  return mark;
}

}  // namespace

std::vector<HeredocMark> FindHeredocs(std::string_view line) {
  std::vector<HeredocMark> marks;
  if (line.find("<<") == std::string_view::npos || HasOpenQuote(line)) return marks;
  for (const std::string& word : SplitWords(line)) {
    if (auto mark = ReadMark(word)) marks.push_back(*std::move(mark));
  }
  return marks;
}

}  // namespace veneer
