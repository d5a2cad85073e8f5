// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/ignore_file.h"

#include <algorithm>
#include <iterator>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

std::string_view TrimPattern(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Takes a character. A byte that is none gets a number that no character has, so that it is equal
// to itself alone.
uint32_t TakeCharacterOrByte(std::string_view* text) {
  const std::string_view before = *text;
  const uint32_t character = TakeCharacter(text);
  const bool byte = character == kNoCharacter && before.size() - text->size() == 1;
  return byte ? kLastCharacter + 1 + static_cast<unsigned char>(before.front()) : character;
}

}  // namespace

Result<IgnoreFile> IgnoreFile::Parse(std::string_view text) {
  IgnoreFile file;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with('#')) continue;
    if (auto added = file.Add(line); !added) {
      return tl::unexpected(std::move(added).error().Context("line " + std::to_string(number)));
    }
  }
  return file;
}

Result<IgnoreFile> IgnoreFile::FromPatterns(const std::vector<std::string>& patterns) {
  IgnoreFile file;
  for (const std::string& pattern : patterns) VENEER_TRY_VOID(file.Add(pattern));
  return file;
}

// A line that is no comment.
Result<void> IgnoreFile::Add(std::string_view pattern) {
  pattern = TrimPattern(pattern);
  if (pattern.empty()) return {};
  const bool exception = pattern.starts_with('!');
  if (exception) pattern = TrimPattern(pattern.substr(1));
  if (pattern.empty()) return InstructionError("a pattern is missing after \"!\"");
  const std::string clean = CleanPath(pattern);
  pattern = clean;
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  // The root cannot be ignored, and nothing is called "..".
  if (pattern.empty() || pattern == ".") return {};
  VENEER_TRY_VOID(FilePattern::Parse(pattern));
  return AddSteps(pattern, exception);
}

// REQUIRES: FilePattern::Parse() takes the pattern.
Result<void> IgnoreFile::AddSteps(std::string_view pattern, bool exception) {
  const std::string_view whole = pattern;
  const auto index = static_cast<uint32_t>(exceptions_.size());
  starts_.push_back(static_cast<uint32_t>(steps_.size()));
  exceptions_.push_back(exception);
  const auto add = [&](Step::Kind kind, uint32_t character = 0, uint32_t at = 0) {
    steps_.push_back({.kind = kind, .character = character, .index = at, .exception = exception});
  };
  while (!pattern.empty()) {
    if (pattern.starts_with("**")) {
      // "**.o" is what ends with .o, at any depth, though "a**.o" is .o in a directory that begins
      // with a.
      const bool suffix = pattern.size() == whole.size() && !pattern.starts_with("**/") &&
                          pattern.find_first_of("*?[]\\", 2) == std::string_view::npos;
      pattern.remove_prefix(2);
      if (pattern.starts_with('/')) pattern.remove_prefix(1);
      if (suffix || pattern.empty()) {
        add(Step::Kind::kRest);
      } else if (steps_.size() == starts_.back() || steps_.back().kind != Step::Kind::kInside) {
        add(Step::Kind::kDirectories);
        add(Step::Kind::kInside);
      }
      continue;
    }
    const char c = pattern.front();
    if (c == '[') {
      const auto characters = TakeCharacterClass(&pattern).value_or(CharacterClass());
      for (const auto& [first, last] : characters.ranges) {
        if (last < first) {
          return InstructionError("the pattern " + QuotedPath(whole) +
                                  " is malformed: a range in brackets is the wrong way round");
        }
      }
      add(Step::Kind::kClass, 0, static_cast<uint32_t>(classes_.size()));
      classes_.push_back(characters);
      continue;
    }
    if (c == '*' || c == '?') {
      add(c == '*' ? Step::Kind::kStar : Step::Kind::kAny);
      pattern.remove_prefix(1);
      continue;
    }
    if (c == '\\') pattern.remove_prefix(1);
    add(Step::Kind::kCharacter, TakeCharacterOrByte(&pattern));
  }
  add(Step::Kind::kEnd, 0, index);
  return {};
}

void IgnoreFile::Reach(uint32_t position, std::vector<uint32_t>* positions) const {
  positions->push_back(position);
  switch (steps_[position].kind) {
    case Step::Kind::kStar:
    case Step::Kind::kRest: Reach(position + 1, positions); break;
    case Step::Kind::kDirectories:
      Reach(position + 1, positions);
      Reach(position + 2, positions);
      break;
    default: break;
  }
}

void IgnoreFile::Advance(uint32_t character, const std::vector<uint32_t>& positions,
                         std::vector<uint32_t>* next) const {
  const bool slash = character == '/';
  // To a class, as to Go, all bytes that are no characters are the same one.
  const uint32_t valid = character > kLastCharacter ? kNoCharacter : character;
  next->clear();
  for (const uint32_t position : positions) {
    const Step& step = steps_[position];
    switch (step.kind) {
      case Step::Kind::kCharacter:
        if (step.character == character) Reach(position + 1, next);
        break;
      case Step::Kind::kAny:
        if (!slash) Reach(position + 1, next);
        break;
      case Step::Kind::kClass:
        if (classes_[step.index].Contains(valid)) Reach(position + 1, next);
        break;
      case Step::Kind::kStar:
        if (!slash) Reach(position, next);
        break;
      case Step::Kind::kInside:
        next->push_back(position);
        if (slash) Reach(position + 1, next);
        break;
      case Step::Kind::kRest: Reach(position, next); break;
      case Step::Kind::kDirectories:
      case Step::Kind::kEnd: break;
    }
  }
  if (!std::ranges::is_sorted(*next)) std::ranges::sort(*next);
  next->erase(std::unique(next->begin(), next->end()), next->end());
}

IgnoreFile::Match IgnoreFile::Root() const {
  Match root;
  for (const uint32_t start : starts_) Reach(start, &root.positions);
  return root;
}

IgnoreFile::Match IgnoreFile::Check(std::string_view name, const Match& parent) const {
  Match match;
  std::vector<uint32_t> positions = parent.positions;
  std::vector<uint32_t>& next = match.positions;
  while (!name.empty() && !positions.empty()) {
    Advance(TakeCharacterOrByte(&name), positions, &next);
    positions.swap(next);
  }
  std::vector<uint32_t> found;
  for (const uint32_t position : positions) {
    if (steps_[position].kind == Step::Kind::kEnd) found.push_back(steps_[position].index);
  }
  std::ranges::set_union(parent.matched, found, std::back_inserter(match.matched));
  match.ignored = !match.matched.empty() && !exceptions_[match.matched.back()];
  Advance('/', positions, &match.positions);
  // An exception in front of the pattern that decides here decides nothing below.
  const uint32_t first = match.matched.empty() ? 0 : starts_[match.matched.back()];
  match.exceptions_below = std::ranges::any_of(match.positions, [&](uint32_t position) {
    return position >= first && steps_[position].exception &&
           steps_[position].kind != Step::Kind::kEnd;
  });
  return match;
}

bool IgnoreFile::Ignores(std::string_view path) const {
  Match match = Root();
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    if (!name.empty()) match = Check(name, match);
  }
  return match.ignored;
}

}  // namespace veneer
