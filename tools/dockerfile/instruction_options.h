// SPDX-License-Identifier: Apache-2.0
//
// What FROM, COPY and ADD say, in types (run_options.h has RUN): their flags and words are checked
// as far as that is possible before variables have values. Nothing is expanded here.
//
// Pure functions. Each error is a usage error, which begins with the name of the instruction.
#ifndef VENEER_TOOLS_DOCKERFILE_INSTRUCTION_OPTIONS_H_
#define VENEER_TOOLS_DOCKERFILE_INSTRUCTION_OPTIONS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

// FROM [--platform=PLATFORM] BASE [AS NAME]
struct FromOptions {
  std::optional<std::string> platform;
  std::string base;
  std::optional<std::string> name;  // in lower case
};
// Error: other than one or three words; a name that does not begin with a letter, or has others
// than letters, digits and -_.
Result<FromOptions> ParseFrom(const Instruction& instruction);

// "scratch" and "context" mean something else in front of or behind FROM, so that a stage of that
// name is not found by it. BuildKit warns of one.
bool IsReservedStageName(std::string_view name);

struct CopySource {
  std::string path;               // of a heredoc: its name, which the file has
  std::optional<size_t> heredoc;  // its place in Instruction::heredocs
};

// COPY and ADD; some of the flags are of one of them.
struct CopyOptions {
  std::optional<std::string> from;
  std::optional<std::string> chown;  // SplitOwner() reads it, once it is expanded
  std::optional<std::string> chmod;  // ChmodChange::Parse() does
  bool link = false;
  bool parents = false;
  std::vector<std::string> exclude;
  std::optional<std::string> checksum;
  bool keep_git_dir = false;
  std::optional<bool> unpack;  // nullopt: archives of the context are unpacked, downloads are not
  std::vector<CopySource> sources;  // at least one
  std::string destination;
};
// Error: a flag that is not known, given twice, or without its value; fewer than two words; a
// heredoc as the destination.
Result<CopyOptions> ParseCopy(const Instruction& instruction);

// The two halves of --chown, names or numbers.
struct OwnerWords {
  std::string user;
  // Nullopt: the user's own group, and the user's number where the user is a number.
  std::optional<std::string> group;
};
// As BuildKit, reads ":50" as 0:50 and "5:" as 5:0. Usage error: it is empty, or is no name or
// number (CheckUser()).
Result<OwnerWords> SplitOwner(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_INSTRUCTION_OPTIONS_H_
