// SPDX-License-Identifier: Apache-2.0
#include "tools/format/list_filter.h"

#include <algorithm>

#include "layerdb/model/reference.h"

namespace veneer {

namespace {

// "[a-c]" or "[^a-c]" at the front of `pattern`, which is cut off. nullopt: not a set.
std::optional<bool> MatchSet(std::string_view* pattern, char c) {
  std::string_view rest = pattern->substr(1);
  const bool negated = rest.starts_with('^');
  if (negated) rest.remove_prefix(1);
  const auto take = [&]() -> std::optional<char> {
    if (rest.starts_with('\\')) rest.remove_prefix(1);
    if (rest.empty()) return std::nullopt;
    const char taken = rest.front();
    rest.remove_prefix(1);
    return taken;
  };
  bool matched = false;
  for (bool first = true; first || !rest.starts_with(']'); first = false) {
    const auto low = take();
    if (!low) return std::nullopt;
    auto high = low;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      high = take();
      if (!high) return std::nullopt;
    }
    matched = matched || (*low <= c && c <= *high);
    if (rest.empty()) return std::nullopt;
  }
  *pattern = rest.substr(1);
  return matched != negated;
}

// One character of `text` against the front of `pattern`, which is cut off where they match.
bool MatchOne(std::string_view* pattern, char c) {
  const char wanted = pattern->front();
  if (wanted == '[') return c != '/' && MatchSet(pattern, c).value_or(false);
  if (wanted == '\\' && pattern->size() > 1) pattern->remove_prefix(1);
  const bool matches = wanted == '?' ? c != '/' : pattern->front() == c;
  pattern->remove_prefix(1);
  return matches;
}

}  // namespace

Result<ListFilters> ParseFilters(const std::vector<std::string>& words,
                                 const std::vector<std::string>& keys) {
  ListFilters filters;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (std::ranges::find(keys, key) == keys.end()) {
      std::string names;
      for (const std::string& known : keys) names += (names.empty() ? "" : ", ") + known;
      return MakeError("invalid filter '" + key + "'; there are " + names, ExitCode::kUsage);
    }
    if (equals == std::string::npos) {
      return MakeError("invalid filter '" + word + "': it is written KEY=VALUE", ExitCode::kUsage);
    }
    filters[key].push_back(word.substr(equals + 1));
  }
  return filters;
}

const std::vector<std::string>& FilterValues(const ListFilters& filters, std::string_view key) {
  static const std::vector<std::string> kNone;
  const auto found = filters.find(key);
  return found == filters.end() ? kNone : found->second;
}

Result<std::optional<bool>> FilterSwitch(const ListFilters& filters, std::string_view key) {
  std::optional<bool> value;
  for (const std::string& word : FilterValues(filters, key)) {
    const bool on = word == "true" || word == "1";
    if ((!on && word != "false" && word != "0") || (value && *value != on)) {
      return MakeError(
          "invalid filter '" + std::string(key) + "=" + word + "': it is true or false",
          ExitCode::kUsage);
    }
    value = on;
  }
  return value;
}

bool MatchGlob(std::string_view pattern, std::string_view text) {
  // The last * goes on taking characters until the rest matches: what an earlier one took then need
  // not change.
  std::optional<std::pair<std::string_view, std::string_view>> star;
  for (;;) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = {pattern, text};
      continue;
    }
    if (pattern.empty() && text.empty()) return true;
    if (!pattern.empty() && !text.empty() && MatchOne(&pattern, text.front())) {
      text.remove_prefix(1);
      continue;
    }
    if (!star || star->second.empty() || star->second.front() == '/') return false;
    star->second.remove_prefix(1);
    pattern = star->first;
    text = star->second;
  }
}

bool MatchReference(std::string_view pattern, std::string_view tag_name) {
  return MatchGlob(pattern, tag_name) || MatchGlob(pattern, SplitTagName(tag_name).first);
}

bool HasLabel(const Json* labels, std::string_view wanted) {
  if (labels == nullptr) return false;
  const size_t equals = wanted.find('=');
  const auto found = labels->find(std::string(wanted.substr(0, equals)));
  if (found == labels->end() || !found->is_string()) return false;
  return equals == std::string_view::npos ||
         found->get_ref<const std::string&>() == wanted.substr(equals + 1);
}

}  // namespace veneer
