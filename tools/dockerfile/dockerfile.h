// SPDX-License-Identifier: Apache-2.0
//
// A Dockerfile as text becomes instructions (the Dockerfile reference, "Format", "Parser
// directives", "Here-Documents"): lines are joined, comments and the flags of each instruction are
// taken apart, heredocs are read. What an instruction means is not decided here, and no variable is
// replaced.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_DOCKERFILE_H_
#define VENEER_TOOLS_DOCKERFILE_DOCKERFILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// The largest Dockerfile. Those of people have some kilobytes; whoever reads one reads no more.
inline constexpr size_t kMaxDockerfileBytes = size_t{1} << 20;

// <<NAME and the lines up to NAME.
struct Heredoc {
  std::string name;
  std::string content;  // with its last newline; without leading tabs after <<-
  bool expand = true;   // false: the name was quoted
};

// --name, --name=value
struct InstructionFlag {
  std::string name;                  // without the dashes
  std::optional<std::string> value;  // nullopt: there is no "="
};

struct Instruction {
  std::string name;      // in upper case: "COPY"
  std::string original;  // as it was written, lines joined: for a person and for the history
  std::vector<InstructionFlag> flags;  // in their order
  std::string arguments;               // behind the flags; lines joined, comments left out
  // `arguments` is a JSON list of strings.
  std::optional<std::vector<std::string>> list;
  std::vector<Heredoc> heredocs;
  int first_line = 0;  // from 1
  int last_line = 0;
};

struct DockerfileWarning {
  int line = 0;
  std::string text;
};

struct Dockerfile {
  char escape = '\\';
  std::string syntax;  // of the directive; empty: there is none
  std::string check;
  std::vector<Instruction> instructions;
  std::vector<DockerfileWarning> warnings;
};

// Usage errors, which begin with "line N: ": an instruction that does not exist, a heredoc that
// does not end, a directive that is wrong or given twice, text behind a JSON list, an
// instruction other than ARG before the first FROM. Without a line: no instruction at all, no FROM,
// a NUL, more than kMaxDockerfileBytes.
Result<Dockerfile> ParseDockerfile(std::string_view text);

// One instruction with its heredocs, as "OnBuild" of a config has them: the lines are from 1, there
// are no directives, and FROM is not needed. Usage errors as above; more than one instruction.
Result<Instruction> ParseInstruction(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_DOCKERFILE_H_
