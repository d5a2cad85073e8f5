// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/instruction_options.h"

#include <algorithm>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/instruction_flags.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

bool IsLowerLetter(char c) { return c >= 'a' && c <= 'z'; }

bool IsStageName(std::string_view name) {
  return !name.empty() && IsLowerLetter(name.front()) && std::ranges::all_of(name, [](char c) {
    return IsLowerLetter(c) || IsDigit(c) || c == '-' || c == '_' || c == '.';
  });
}

// "<<EOF", "3<<-'EOF'": the name without quotes; nullopt: another word.
std::optional<std::string> HeredocName(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
  if (!word.starts_with("<<")) return std::nullopt;
  word.remove_prefix(2);
  if (word.starts_with('-')) word.remove_prefix(1);
  std::string name;
  for (const char c : word) {
    if (c == '<') return std::nullopt;
    if (c != '"' && c != '\'' && c != '\\') name += c;
  }
  return name;
}

}  // namespace

Result<FromOptions> ParseFrom(const Instruction& instruction) {
  VENEER_TRY(const FlagValues flags, FlagValues::Read(instruction, {{.name = "platform"}}));
  const std::vector<std::string> words = PlainWords(instruction.arguments);
  const bool named = words.size() == 3 && UpperCase(words[1]) == "AS";
  if (words.size() != 1 && !named) return InstructionError("FROM: it takes BASE or BASE AS NAME");
  FromOptions options;
  options.platform = flags.Text("platform");
  options.base = words[0];
  if (!named) return options;
  options.name = GoLower(words[2]);
  if (!IsStageName(*options.name)) {
    return InstructionError("FROM: " + QuotedPath(words[2]) +
                            " is no name of a stage: it begins with a letter, and has letters, "
                            "digits, '-', '_' and '.'");
  }
  return options;
}

bool IsReservedStageName(std::string_view name) { return name == "scratch" || name == "context"; }

Result<CopyOptions> ParseCopy(const Instruction& instruction) {
  using Kind = KnownFlag::Kind;
  const std::vector<KnownFlag> copy = {{"from", Kind::kText},      {"chown", Kind::kText},
                                       {"chmod", Kind::kText},     {"link", Kind::kSwitch},
                                       {"parents", Kind::kSwitch}, {"exclude", Kind::kList}};
  const std::vector<KnownFlag> add = {{"chown", Kind::kText},    {"chmod", Kind::kText},
                                      {"link", Kind::kSwitch},   {"exclude", Kind::kList},
                                      {"checksum", Kind::kText}, {"keep-git-dir", Kind::kSwitch},
                                      {"unpack", Kind::kSwitch}};
  VENEER_TRY(const FlagValues flags,
             FlagValues::Read(instruction, instruction.name == "ADD" ? add : copy));
  CopyOptions options;
  options.from = flags.Text("from");
  options.chown = flags.Text("chown");
  options.chmod = flags.Text("chmod");
  options.link = flags.Switch("link").value_or(false);
  options.parents = flags.Switch("parents").value_or(false);
  options.exclude = flags.List("exclude");
  options.checksum = flags.Text("checksum");
  options.keep_git_dir = flags.Switch("keep-git-dir").value_or(false);
  options.unpack = flags.Switch("unpack");

  std::vector<std::string> words =
      instruction.list ? *instruction.list : PlainWords(instruction.arguments);
  if (words.size() < 2) {
    return InstructionError(instruction.name +
                            ": it takes one or more sources, and a destination behind them");
  }
  options.destination = std::move(words.back());
  words.pop_back();
  // Heredocs are in the order of their words. A word that looks like one and has none is a path.
  size_t next = 0;
  const auto heredoc = [&](const std::string& word) {
    const std::optional<std::string> name = HeredocName(word);
    return name && next < instruction.heredocs.size() && instruction.heredocs[next].name == *name;
  };
  for (std::string& word : words) {
    if (heredoc(word)) {
      options.sources.push_back({.path = instruction.heredocs[next].name, .heredoc = next});
      ++next;
    } else {
      options.sources.push_back({.path = std::move(word), .heredoc = std::nullopt});
    }
  }
  if (heredoc(options.destination)) {
    return InstructionError(instruction.name + ": a heredoc cannot be the destination");
  }
  return options;
}

Result<OwnerWords> SplitOwner(std::string_view text) {
  const size_t colon = text.find(':');
  OwnerWords owner{.user = std::string(text.substr(0, colon)), .group = std::nullopt};
  std::string all = owner.user;
  if (colon != std::string_view::npos) {
    if (owner.user.empty()) owner.user = "0";
    owner.group = text.substr(colon + 1);
    if (owner.group->empty()) owner.group = "0";
    all = owner.user + ":" + *owner.group;
  }
  if (auto checked = CheckUser(all); !checked) {
    return tl::unexpected(std::move(checked).error().Context("--chown"));
  }
  return owner;
}

}  // namespace veneer
