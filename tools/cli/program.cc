// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>

#include "layerdb/base/log.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands.h"
#include "tools/cli/help.h"
#include "tools/cli/parser.h"

namespace veneer {

namespace {

Result<int> Run(Context& context, const CommandSpec& program, std::vector<std::string> words,
                CommandLine* line) {
  VENEER_TRY_VOID(ReadCommandLine(program, std::move(words), line));
  VENEER_TRY(const ParsedFor wanted, ParseOptions(*line));
  switch (wanted) {
    case ParsedFor::kHelp: Print(HelpText(line->path)); return 0;
    case ParsedFor::kVersion: PrintLine("veneer " VENEER_VERSION); return 0;
    case ParsedFor::kCommand: break;
  }
  if (context.debug) SetLogLevel(LogLevel::kDebug);
  context.commands = &program;
  context.program = line->program;
  return line->path.back()->run(context);
}

// What was printed has reached its reader, or the program has failed.
int FlushOutput(int code) {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return code;
  PrintError("write to standard output: " + ErrnoText(errno));
  return code == 0 ? static_cast<int>(ExitCode::kFailed) : code;
}

}  // namespace

int RunVeneer(int argc, const char* const* argv) {
  Context context;
  const CommandSpec program = VeneerCommand(context);
  CommandLine line;
  const Result<int> code = Run(context, program, {argv + 1, argv + argc}, &line);
  if (code) return FlushOutput(*code);
  PrintError(code.error());
  const int status = static_cast<int>(code.error().exit());
  return FlushOutput(line.path.back()->own_failure.value_or(status));
}

}  // namespace veneer
