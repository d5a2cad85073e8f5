// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/file_pattern.h"

#include <algorithm>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

// Takes a character of a class, which may stand behind a backslash. Something must follow it.
std::optional<uint32_t> TakeClassCharacter(std::string_view* text) {
  if (text->empty() || text->front() == '-' || text->front() == ']') return std::nullopt;
  if (text->front() == '\\') text->remove_prefix(1);
  if (text->empty()) return std::nullopt;
  const size_t before = text->size();
  const uint32_t character = TakeCharacter(text);
  const bool no_character = character == kNoCharacter && before - text->size() == 1;
  if (no_character || text->empty()) return std::nullopt;
  return character;
}

}  // namespace

bool CharacterClass::Contains(uint32_t character) const {
  const bool found = std::ranges::any_of(ranges, [character](const auto& range) {
    return range.first <= character && character <= range.second;
  });
  return found != negated;
}

std::optional<CharacterClass> TakeCharacterClass(std::string_view* text) {
  CharacterClass result;
  text->remove_prefix(1);
  if (text->starts_with('^')) {
    result.negated = true;
    text->remove_prefix(1);
  }
  while (result.ranges.empty() || !text->starts_with(']')) {
    const std::optional<uint32_t> first = TakeClassCharacter(text);
    if (!first) return std::nullopt;
    std::optional<uint32_t> last = first;
    if (text->front() == '-') {
      text->remove_prefix(1);
      last = TakeClassCharacter(text);
      if (!last) return std::nullopt;
    }
    result.ranges.emplace_back(*first, *last);
  }
  text->remove_prefix(1);
  return result;
}

Result<FilePattern> FilePattern::Parse(std::string_view text) {
  const auto malformed = [text](const char* why) {
    return InstructionError("the pattern " + QuotedPath(text) + " is malformed: " + why);
  };
  FilePattern pattern;
  std::string literal;
  bool wildcards = false;
  for (std::string_view rest = text; !rest.empty();) {
    const char c = rest.front();
    if (c == '*') {
      wildcards = true;
      pattern.chunks_.push_back({.star = true, .steps = {}});
      rest.remove_prefix(std::min(rest.find_first_not_of('*'), rest.size()));
      continue;
    }
    if (pattern.chunks_.empty()) pattern.chunks_.emplace_back();
    std::vector<Step>& steps = pattern.chunks_.back().steps;
    if (c == '[') {
      wildcards = true;
      std::optional<CharacterClass> characters = TakeCharacterClass(&rest);
      if (!characters) return malformed("a bracket is not closed, or has no characters");
      steps.push_back({.kind = Step::Kind::kClass, .characters = *std::move(characters)});
      continue;
    }
    if (c == '?') {
      wildcards = true;
      steps.push_back({.kind = Step::Kind::kAny, .characters = {}});
      rest.remove_prefix(1);
      continue;
    }
    if (c == '\\') rest.remove_prefix(1);
    if (rest.empty()) return malformed("nothing follows the backslash at its end");
    steps.push_back({.kind = Step::Kind::kByte, .byte = rest.front(), .characters = {}});
    literal += rest.front();
    rest.remove_prefix(1);
  }
  if (!wildcards) pattern.literal_ = std::move(literal);
  return pattern;
}

// What follows the chunk's steps in `name`, if it begins with them.
std::optional<std::string_view> FilePattern::Rest(const Chunk& chunk, std::string_view name) {
  for (const Step& step : chunk.steps) {
    if (name.empty()) return std::nullopt;
    if (step.kind == Step::Kind::kByte) {
      if (name.front() != step.byte) return std::nullopt;
      name.remove_prefix(1);
      continue;
    }
    if (step.kind == Step::Kind::kAny && name.front() == '/') return std::nullopt;
    const uint32_t character = TakeCharacter(&name);
    if (step.kind == Step::Kind::kClass && !step.characters.Contains(character)) {
      return std::nullopt;
    }
  }
  return name;
}

bool FilePattern::Matches(std::string_view name) const {
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const Chunk& chunk = chunks_[i];
    const bool last = i + 1 == chunks_.size();
    if (chunk.star && chunk.steps.empty()) return name.find('/') == std::string_view::npos;
    // The last chunk takes all that is left.
    const auto take = [&](size_t from) {
      const auto rest = Rest(chunk, name.substr(from));
      return rest && (!last || rest->empty()) ? rest : std::nullopt;
    };
    std::optional<std::string_view> rest = take(0);
    if (chunk.star) {
      for (size_t at = 0; !rest && at < name.size() && name[at] != '/'; ++at) rest = take(at + 1);
    }
    if (!rest) return false;
    name = *rest;
  }
  return name.empty();
}

bool HasWildcards(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

Result<std::vector<FilePattern>> ParsePathPattern(std::string_view path) {
  std::vector<FilePattern> names;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    if (name.empty() || name == ".") continue;
    VENEER_TRY(FilePattern pattern, FilePattern::Parse(name));
    names.push_back(std::move(pattern));
  }
  return names;
}

std::string CleanPath(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    if (name.empty() || name == ".") continue;
    if (name == ".." && !names.empty() && names.back() != "..") {
      names.pop_back();
    } else if (name != ".." || !absolute) {
      names.push_back(name);
    }
  }
  std::string clean = absolute ? "/" : "";
  for (const std::string_view name : names) {
    if (!clean.empty() && clean.back() != '/') clean += '/';
    clean += name;
  }
  return clean.empty() ? "." : clean;
}

}  // namespace veneer
