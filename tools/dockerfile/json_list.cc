// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/json_list.h"

#include <algorithm>
#include <utility>

#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"
#include "tools/format/json.h"

namespace veneer {

namespace {

Json ParseList(std::string_view text) {
  Json list = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  return list.is_array() ? list : Json(Json::value_t::discarded);
}

// The text up to the first ] that is not in a string; nothing: there is none.
std::string_view UpToBracket(std::string_view text) {
  bool string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') string = !string;
    if (text[i] == '\\' && string) ++i;
    if (i < text.size() && text[i] == ']' && !string) return text.substr(0, i + 1);
  }
  return {};
}

bool OfStrings(const Json& list) {
  return !list.is_discarded() &&
         std::ranges::all_of(list, [](const Json& item) { return item.is_string(); });
}

}  // namespace

Result<std::optional<std::vector<std::string>>> ParseJsonStrings(std::string_view text) {
  text = TrimBlanks(text);
  if (!text.starts_with('[')) return std::nullopt;
  const Json list = ParseList(text);
  if (list.is_discarded()) {
    const std::string_view first = UpToBracket(text);
    if (first.empty() || first.size() == text.size() || !OfStrings(ParseList(first))) {
      return std::nullopt;
    }
    return InstructionError(
        "there is text behind the list in brackets: it goes into the list, as in [\"a\", \"b\"], "
        "or "
        "the brackets go");
  }
  if (!OfStrings(list)) {
    return InstructionError("a list in brackets holds strings in double quotes only");
  }
  std::vector<std::string> words;
  for (const Json& item : list) words.push_back(item.get<std::string>());
  return words;
}

}  // namespace veneer
