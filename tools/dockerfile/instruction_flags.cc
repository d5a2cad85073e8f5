// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/instruction_flags.h"

#include <algorithm>
#include <tuple>

#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"
#include "tools/format/go_text.h"

namespace veneer {

Result<FlagValues> FlagValues::Read(const Instruction& instruction,
                                    const std::vector<KnownFlag>& known) {
  FlagValues values;
  for (const InstructionFlag& flag : instruction.flags) {
    const std::string option = instruction.name + ": --" + flag.name;
    const auto found = std::ranges::find(known, flag.name, &KnownFlag::name);
    if (found == known.end()) {
      std::vector<std::string> names;
      names.reserve(known.size());
      for (const KnownFlag& each : known) names.push_back("--" + std::string(each.name));
      return InstructionError(option + " is no flag of it; " +
                              (names.empty() ? "it has none" : "it has " + JoinNames(names)));
    }
    const bool twice =
        std::ranges::find(values.given_, found->name, &Given::name) != values.given_.end();
    if (twice && found->kind != KnownFlag::Kind::kList) {
      return InstructionError(option + " may be given only once");
    }
    if (found->kind == KnownFlag::Kind::kSwitch) {
      const std::string value = GoLower(flag.value.value_or("true"));
      if (value != "true" && value != "false") {
        return InstructionError(option + "=" + *flag.value + ": the value is true or false");
      }
      values.given_.push_back({found->name, value});
      continue;
    }
    if (!flag.value) return InstructionError(option + " needs a value, with =");
    values.given_.push_back({found->name, *flag.value});
  }
  return values;
}

std::optional<std::string> FlagValues::Text(std::string_view name) const {
  const auto found = std::ranges::find(given_, name, &Given::name);
  return found == given_.end() ? std::nullopt : std::optional<std::string>(found->value);
}

std::optional<bool> FlagValues::Switch(std::string_view name) const {
  const std::optional<std::string> value = Text(name);
  return value ? std::optional<bool>(*value == "true") : std::nullopt;
}

std::vector<std::string> FlagValues::List(std::string_view name) const {
  std::vector<std::string> list;
  for (const Given& given : given_) {
    if (given.name == name) list.push_back(given.value);
  }
  return list;
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined;
}

std::vector<std::string> PlainWords(std::string_view text) {
  std::vector<std::string> words;
  auto [word, rest] = SplitFirstWord(text);
  for (; !word.empty(); std::tie(word, rest) = SplitFirstWord(rest)) words.emplace_back(word);
  return words;
}

}  // namespace veneer
