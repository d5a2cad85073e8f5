// SPDX-License-Identifier: Apache-2.0
//
// What a shell is to offer at the end of a command line of `veneer`: `veneer __complete --
// WORDS...` prints it for the scripts in completions/. The tables say what may stand where; names
// come from the store.
#ifndef VENEER_TOOLS_CLI_COMPLETE_H_
#define VENEER_TOOLS_CLI_COMPLETE_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace veneer {

struct Candidate {
  std::string word;
  std::string help = {};
};

// Where names of the store come from. A function that fails offers none.
struct NameSource {
  std::function<std::vector<std::string>()> containers;
  std::function<std::vector<std::string>()> images;
};

struct Completion {
  std::vector<Candidate> candidates =
      {};  // those that begin as the last word does, behind `prefix`
  std::string prefix =
      {};  // of the last word: "--format=" and "suid," stay in front of a candidate
  bool files = false;
  bool directories = false;
  bool more_follows = false;  // no blank behind a candidate: it is the key of a filter
  // The number of the word from which on the line is that of another program.
  std::optional<size_t> program = std::nullopt;
};

// `words`: those behind the program's name, the last of them, which may be empty, to be completed.
// Those that say which store it is go to the targets of their options before `names` is asked.
// Reads the variables of the environment.
Completion Complete(const CommandSpec& program, const std::vector<std::string>& words,
                    const NameSource& names);

// A line for each candidate, its help behind a tab; before them, what has a colon in front tells
// the shell more: ":prefix TEXT", ":files", ":directories", ":nospace", ":program NUMBER".
std::string CompletionText(const Completion& completion);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_COMPLETE_H_
