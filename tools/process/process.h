// SPDX-License-Identifier: Apache-2.0
//
// Starting other programs, and how they ended.
#ifndef VENEER_TOOLS_PROCESS_PROCESS_H_
#define VENEER_TOOLS_PROCESS_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // NAME=VALUE, beside the caller's own
  std::vector<int> inherit;              // descriptors that stay open, under their own numbers
  std::vector<int> close;                // and those that must not be held even until exec
  // Runs in the child before exec; its error is reported like one of the program. May be empty.
  std::function<Result<void>()> prepare = {};
  std::optional<std::string> input = {};  // of standard input; nullopt: /dev/null
  bool keep_output = false;               // else standard output is /dev/null
  // The program is killed after this time, those that it started are not. 0: no limit.
  std::chrono::milliseconds time_limit{0};
};

struct Outcome {
  int exit_code = 0;  // as shells count: 128+n for a signal
  // What it wrote to standard error, without the last newlines; 64 KiB at most.
  std::string error_text;
  std::string output;      // and to standard output, where that is kept; the first MiB at most
  bool timed_out = false;  // killed at the end of its time
};

// Runs a program to its end, and gathers what it writes until that is closed: a program that goes
// to the background has to close it. Exit code 127 and an errno text when it cannot be started. The
// log tells the words of argv (debug): no secret may be among them, for which there is `input`.
Result<Outcome> RunCommand(const Command& command);

// waitpid(2) for one child, EINTR retried. Its exit code as shells count.
Result<int> WaitFor(pid_t child);
int ExitCodeOf(int wait_status);

// The children of this process that are alive, from /proc. For a subreaper that looks for the
// daemon a command left behind.
std::vector<pid_t> Children();

// Where a program of ours or the system's lies: beside this executable, in `libexec` or `bin` next
// to its directory, then PATH. kFailed with what to install when there is none.
Result<std::string> FindProgram(const std::string& name);

}  // namespace veneer

#endif  // VENEER_TOOLS_PROCESS_PROCESS_H_
