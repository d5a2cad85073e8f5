// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/lint_globals.h"

#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

// The names of images are shorter, and values that double each other would fill the memory.
constexpr size_t kMaxValue = 4096;

}  // namespace

void LintGlobals::Declare(std::string_view words) {
  for (const std::string& word : SplitWords(words, escape_)) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    Argument argument;
    if (equals != std::string::npos) {
      argument.by_default = ValueOf(word.substr(equals + 1), &Argument::by_default);
      argument.value = ValueOf(word.substr(equals + 1), &Argument::value);
    }
    if (const auto given = inputs_.given.find(name); given != inputs_.given.end()) {
      argument.value = given->second;
    }
    arguments_[name] = std::move(argument);
  }
}

bool LintGlobals::Has(const std::string& name) const {
  return arguments_.contains(name) || inputs_.predefined.contains(name);
}

std::optional<std::string> LintGlobals::ValueOf(std::string_view word, Member member) const {
  Result<std::string> value = ExpandTo(word, member);
  if (!value || value->size() > kMaxValue) return std::nullopt;
  return *std::move(value);
}

Result<std::string> LintGlobals::ExpandByDefault(std::string_view word) const {
  return ExpandTo(word, &Argument::by_default);
}

Result<std::string> LintGlobals::Expand(std::string_view word) const {
  return ExpandTo(word, &Argument::value);
}

Result<std::string> LintGlobals::ExpandTo(std::string_view word, Member member) const {
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    if (const auto found = arguments_.find(std::string(name)); found != arguments_.end()) {
      if (const auto& value = found->second.*member; value) return value;
    }
    const auto found = inputs_.predefined.find(std::string(name));
    return found == inputs_.predefined.end() ? std::nullopt : std::optional(found->second);
  };
  return ExpandWord(word, lookup, escape_);
}

}  // namespace veneer
