// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/chmod_change.h"

#include <algorithm>
#include <optional>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"

namespace veneer {

namespace {

constexpr uint32_t kAllBits = 07777;
constexpr uint32_t kSetIds = 06000;
constexpr uint32_t kSticky = 01000;
constexpr uint32_t kExecute = 0111;
constexpr uint32_t kOneClass = 07;

// How far the three bits of a class of users are from those of the others.
int ShiftOfUsers(char users) { return users == 'u' ? 6 : users == 'g' ? 3 : 0; }

}  // namespace

// The actions of one part between commas.
bool ChmodChange::TakeActions(std::string_view text, std::vector<Action>* actions) {
  uint32_t who = 0;
  const size_t users = std::min(text.find_first_not_of("ugoa"), text.size());
  for (const char c : text.substr(0, users)) {
    who |= c == 'u' ? 04700 : c == 'g' ? 02070 : c == 'o' ? 00007 : 06777;
  }
  if (users == 0) who = 06777;
  text.remove_prefix(users);
  if (text.empty()) return false;
  while (!text.empty()) {
    Action action{.who = who, .operation = text.front()};
    if (std::string_view("+-=").find(action.operation) == std::string_view::npos) return false;
    text.remove_prefix(1);
    if (!text.empty() && std::string_view("ugo").find(text.front()) != std::string_view::npos) {
      action.copy_of = text.front();
      text.remove_prefix(1);
      actions->push_back(action);
      continue;
    }
    const size_t symbols = std::min(text.find_first_not_of("rwxXst"), text.size());
    for (const char c : text.substr(0, symbols)) {
      if (c == 'r') action.bits |= 0444;
      if (c == 'w') action.bits |= 0222;
      if (c == 'x') action.bits |= kExecute;
      if (c == 'X') action.execute_if_any = true;
      if (c == 's') action.bits |= kSetIds;
      if (c == 't') {
        action.bits |= kSticky;
        action.who |= kSticky;
      }
    }
    text.remove_prefix(symbols);
    actions->push_back(action);
  }
  return true;
}

Result<ChmodChange> ChmodChange::Parse(std::string_view text) {
  ChmodChange change;
  const auto wrong = [text] {
    return InstructionError("--chmod: " + QuotedPath(text) +
                            " is no mode; it is like 755, 4755, u=rwX,go=rX or +x");
  };
  if (!text.empty() && IsDigit(text.front())) {
    const std::optional<uint32_t> mode = ParseNumber<uint32_t>(text, 8);
    if (!mode || *mode > kAllBits) return wrong();
    change.actions_.push_back({.who = kAllBits, .operation = '=', .bits = *mode});
    return change;
  }
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    if (!TakeActions(rest.substr(0, comma), &change.actions_)) return wrong();
    if (comma == std::string_view::npos) return change;
    rest.remove_prefix(comma + 1);
  }
}

uint32_t ChmodChange::Apply(uint32_t mode, bool directory) const {
  mode &= kAllBits;
  const bool executable = directory || (mode & kExecute) != 0;
  for (const Action& action : actions_) {
    uint32_t bits = action.bits;
    if (action.execute_if_any && executable) bits |= kExecute;
    if (action.copy_of != 0) {
      const uint32_t copied = (mode >> ShiftOfUsers(action.copy_of)) & kOneClass;
      bits = copied << 6 | copied << 3 | copied;
    }
    bits &= action.who;
    if (action.operation == '-') {
      mode &= ~bits;
    } else {
      if (action.operation == '=') mode &= ~action.who;
      mode |= bits;
    }
  }
  return mode;
}

}  // namespace veneer
