// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/lint_names.h"

#include <algorithm>
#include <array>
#include <set>

#include "tools/format/go_text.h"

namespace veneer {

namespace {

// Those of BuildKit, and the parts of names that hold no secret after all: API_KEY_FILE.
constexpr auto kOpenWords = std::to_array<std::string_view>({"public", "file", "version"});
constexpr auto kSecretWords =
    std::to_array<std::string_view>({"apikey", "auth", "credential", "credentials", "key",
                                     "password", "pword", "passwd", "secret", "token"});

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t NameLength(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return 0;
  return static_cast<size_t>(std::ranges::find_if_not(text, IsNameCharacter) - text.begin());
}

}  // namespace

std::vector<std::string> VariablesIn(std::string_view text, char escape) {
  std::vector<std::string> names;
  std::set<std::string_view> seen;
  bool double_quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == escape) {
      ++i;
    } else if (c == '"') {
      double_quoted = !double_quoted;
    } else if (c == '\'' && !double_quoted) {
      i = std::min(text.find('\'', i + 1), text.size());
    } else if (c == '$') {
      const bool brace = text.substr(i + 1).starts_with('{');
      const std::string_view rest = text.substr(i + (brace ? 2 : 1));
      const size_t length = NameLength(rest);
      if (length == 0 || (brace && !rest.substr(length).starts_with('}'))) continue;
      const std::string_view name = rest.substr(0, length);
      if (seen.insert(name).second) names.emplace_back(name);
    }
  }
  return names;
}

bool LooksSecret(std::string_view name) {
  const std::string lower = GoLower(name);
  bool secret = false;
  for (std::string_view rest = lower; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('_'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (std::ranges::find(kOpenWords, part) != kOpenWords.end()) return false;
    secret = secret || std::ranges::find(kSecretWords, part) != kSecretWords.end();
  }
  return secret;
}

bool IsLowerCase(std::string_view text) { return GoLower(text) == text; }
bool IsUpperCase(std::string_view text) { return GoUpper(text) == text; }

}  // namespace veneer
