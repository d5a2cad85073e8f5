// SPDX-License-Identifier: Apache-2.0
//
// How the history of an image tells an instruction ("created_by"), in the words of BuildKit, which
// `history` shows and other programs take apart (statement E92 about Docker's builders). It is the
// value that is told, after variables are replaced, and Go's way to print it. ONBUILD is not told.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_INSTRUCTION_HISTORY_H_
#define VENEER_TOOLS_DOCKERFILE_INSTRUCTION_HISTORY_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/dockerfile/config_change.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/instruction_options.h"

namespace veneer {

// "comment" of each item of history that a build adds.
inline constexpr std::string_view kHistoryComment = "buildkit.dockerfile.v0";

// `command` is run as it is, with the shell where one reads it and with the text of a heredoc.
// `arguments`: NAME=VALUE of the ARGs that are declared.
std::string RunHistory(const std::vector<std::string>& command,
                       const std::vector<std::string>& arguments);

// COPY or ADD, with sources and destination as they are written but for their variables. Flags are
// not told, and heredocs come behind files.
std::string CopyHistory(std::string_view instruction, const std::vector<CopySource>& sources,
                        std::string_view destination);

// The defaults are told, and no value that is given to the build.
std::string ArgHistory(const std::vector<ArgWord>& words);

// The others: ApplyInstruction() tells them (StageScope::history).

// ENV, LABEL: NAME a=b c=d e
std::string PairsHistory(std::string_view instruction,
                         const std::vector<std::pair<std::string, std::string>>& pairs);
// VOLUME, SHELL: NAME [/a /b]
std::string ListHistory(std::string_view instruction, const std::vector<std::string>& words);
// CMD, ENTRYPOINT: NAME ["a" "b"]
std::string QuotedListHistory(std::string_view instruction, const std::vector<std::string>& words);
// "80/tcp", …: EXPOSE map[53/udp:{} 80/tcp:{}], sorted, each once.
std::string ExposeHistory(std::vector<std::string> ports);
// `test`: as in the config, "NONE" or what begins with "CMD" or "CMD-SHELL".
std::string HealthcheckHistory(const std::vector<std::string>& test,
                               const HealthcheckOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_INSTRUCTION_HISTORY_H_
