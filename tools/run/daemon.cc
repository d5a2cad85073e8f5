// SPDX-License-Identifier: Apache-2.0
#include "tools/run/daemon.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tools/process/process.h"

namespace veneer {

namespace {

// Backslashes before what ends a path or an option (fs/options/option_text.h).
std::string EscapePath(const std::string& path) {
  std::string escaped;
  for (const char c : path) {
    if (c == '\\' || c == ',' || c == ':' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// veneerfs' own line without the name in front, which is not the name of the program that was
// called.
std::string ReasonText(const std::string& error_text) {
  std::string line = error_text.substr(error_text.rfind('\n') + 1);
  constexpr std::string_view kPrefix = "veneerfs: ";
  if (line.starts_with(kPrefix)) line.erase(0, kPrefix.size());
  return line.empty() ? "veneerfs failed without a word" : line;
}

// Runs veneerfs until it is in the background. As the subreaper, this process inherits the daemon
// when its first process exits, and so finds the one child that it did not have before.
Result<ProcessId> Start(Command command) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
    return MakeError(Errno{errno}, "become the reaper of orphans");
  }
  const std::vector<pid_t> before = Children();
  VENEER_TRY(const Outcome outcome, RunCommand(command));
  if (outcome.exit_code != 0) return MakeError(ReasonText(outcome.error_text));
  if (!outcome.error_text.empty()) dprintf(STDERR_FILENO, "%s\n", outcome.error_text.c_str());
  for (const pid_t child : Children()) {
    if (std::ranges::find(before, child) != before.end()) continue;
    const Sys<ProcessId> id = ProcessId::Of(child);
    if (id) return *id;
  }
  return MakeError("veneerfs ended as soon as it was started");
}

Result<std::vector<std::string>> CommandLine(const DaemonSpec& spec,
                                             const std::string& mount_point) {
  VENEER_TRY(const std::string program, FindVeneerfs());
  return std::vector<std::string>{program, "-o", DaemonOptions(spec), mount_point};
}

}  // namespace

Result<std::string> FindVeneerfs() {
  Result<std::string> path = FindProgram("veneerfs");
  if (path) return path;
  return MakeError(path.error().message() +
                   ", without which nothing can be mounted, also not by chroot; put it there");
}

std::string DaemonOptions(const DaemonSpec& spec) {
  std::string text = "lowerdir=";
  for (size_t i = 0; i < spec.lowers.size(); ++i) {
    if (i != 0) text += ':';
    text += EscapePath(spec.lowers[i]);
  }
  if (!spec.objects.empty()) text += ",objects=" + EscapePath(spec.objects);
  if (!spec.upper.empty()) {
    text += ",upperdir=" + EscapePath(spec.upper) + ",workdir=" + EscapePath(spec.work);
  }
  if (!spec.source.empty()) text += ",fsname=" + EscapePath(spec.source);
  for (const std::string& option : spec.options) text += "," + option;
  return text;
}

Result<ProcessId> StartDaemonAt(const DaemonSpec& spec, const std::string& mount_point) {
  Command command;
  VENEER_TRY(command.argv, CommandLine(spec, mount_point));
  return Start(std::move(command));
}

Result<ProcessId> StartDaemonOn(const DaemonSpec& spec, int device,
                                std::function<Result<void>()> prepare,
                                const std::vector<int>& keep_out) {
  Command command;
  VENEER_TRY(command.argv, CommandLine(spec, "/dev/fd/" + std::to_string(device)));
  command.inherit = {device};
  command.close = keep_out;
  command.prepare = std::move(prepare);
  return Start(std::move(command));
}

bool WaitUntilGone(const ProcessId& process, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (process.IsAlive()) {
    // It may be our own child, through the reaping above.
    ::waitpid(process.pid, nullptr, WNOHANG);
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ::waitpid(process.pid, nullptr, WNOHANG);
  return true;
}

}  // namespace veneer
