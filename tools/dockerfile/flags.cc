// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/flags.h"

#include <string>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

// Takes the first word off the text, without its quotes and backslashes.
Result<std::string> TakeWord(std::string_view* text) {
  std::string word;
  char quote = 0;
  size_t i = 0;
  for (; i < text->size(); ++i) {
    const char c = (*text)[i];
    if (c == '\\') {
      if (++i < text->size()) word += (*text)[i];
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (kWordBlanks.find(c) != std::string_view::npos) {
      break;
    } else {
      word += c;
    }
  }
  if (quote != 0) return InstructionError("in " + QuotedExcerpt(*text) + " a quote is not closed");
  text->remove_prefix(i < text->size() ? i : text->size());
  return word;
}

}  // namespace

Result<SplitFlags> ParseFlags(std::string_view text) {
  SplitFlags out;
  for (text = TrimBlanks(text); text.starts_with("--"); text = TrimBlanks(text)) {
    VENEER_TRY(std::string word, TakeWord(&text));
    if (word == "--") break;
    word.erase(0, 2);
    const size_t equals = word.find('=');
    InstructionFlag flag{.name = word.substr(0, equals), .value = std::nullopt};
    if (flag.name.empty()) return InstructionError("a flag has no name");
    if (equals != std::string::npos) flag.value = word.substr(equals + 1);
    out.flags.push_back(std::move(flag));
  }
  out.rest = TrimBlanks(text);
  return out;
}

}  // namespace veneer
