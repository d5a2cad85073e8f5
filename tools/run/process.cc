// SPDX-License-Identifier: Apache-2.0
#include "tools/run/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/log.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr size_t kMaxErrorText = 64 * 1024;
constexpr int kCannotStart = 127;

[[noreturn]] void Exec(const Command& command, int error_fd) {
  const Sys<Fd> null = sys::OpenFollowing("/dev/null", O_RDWR);
  ::dup2(null ? null->get() : -1, STDIN_FILENO);
  ::dup2(null ? null->get() : -1, STDOUT_FILENO);
  ::dup2(error_fd, STDERR_FILENO);
  for (const int fd : command.close) ::close(fd);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (command.prepare) {
    if (const Result<void> prepared = command.prepare(); !prepared) {
      dprintf(STDERR_FILENO, "%s\n", prepared.error().message().c_str());
      _exit(kCannotStart);
    }
  }
  for (const int fd : command.inherit) ::fcntl(fd, F_SETFD, 0);
  for (const std::string& variable : command.environment) {
    const size_t equal = variable.find('=');
    setenv(variable.substr(0, equal).c_str(), variable.substr(equal + 1).c_str(), 1);
  }
  std::vector<char*> argv;
  for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  dprintf(STDERR_FILENO, "%s: %s\n", argv[0], ErrnoText(errno).c_str());
  _exit(kCannotStart);
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer.data(), std::min(static_cast<size_t>(n), kMaxErrorText - text.size()));
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// A command line as a shell would take it.
std::string ShellText(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_of(" \t\n'\"\\$`*?[]#~!&|;<>(){}") == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return Printable(text);
}

bool IsExecutable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

std::string DirectoryOfThisProgram() {
  std::array<char, PATH_MAX> path;
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size());
  if (n <= 0) return {};
  const std::string_view text(path.data(), n);
  return std::string(text.substr(0, text.rfind('/')));
}

}  // namespace

int ExitCodeOf(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

Result<int> WaitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return MakeError(Errno{errno}, "wait for a child process");
  }
  return ExitCodeOf(status);
}

Result<Outcome> RunCommand(const Command& command) {
  // Not the environment, in which secrets are handed over.
  if (IsLogged(LogLevel::kDebug)) LogDebug("run: " + ShellText(command.argv));
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return MakeError(Errno{errno}, "make a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return MakeError(Errno{errno}, "start " + command.argv[0]);
  if (child == 0) Exec(command, writer.get());
  writer.Reset();
  Outcome outcome;
  outcome.error_text = ReadAll(reader.get());
  VENEER_TRY(outcome.exit_code, WaitFor(child));
  if (IsLogged(LogLevel::kDebug)) {
    LogDebug(command.argv[0] + " ended with exit code " + std::to_string(outcome.exit_code));
  }
  return outcome;
}

std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const pid_t pid : NumbersIn("/proc")) {
    const Sys<TaskStat> stat = ReadTaskStat(ProcessPath(pid));
    if (stat && !stat->IsGone() && stat->parent == ::getpid()) children.push_back(pid);
  }
  return children;
}

Result<std::string> FindProgram(const std::string& name) {
  const std::string beside = DirectoryOfThisProgram();
  for (const std::string& dir : {beside, beside + "/../libexec/veneer", beside + "/../bin"}) {
    if (const std::string path = dir + "/" + name; !beside.empty() && IsExecutable(path))
      return path;
  }
  const char* variable = getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!path.empty()) {
    const size_t colon = path.find(':');
    const std::string candidate = std::string(path.substr(0, colon)) + "/" + name;
    if (candidate.front() == '/' && IsExecutable(candidate)) return candidate;
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
  }
  return MakeError(name + " is neither beside this program nor in PATH");
}

}  // namespace veneer
