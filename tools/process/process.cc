// SPDX-License-Identifier: Apache-2.0
#include "tools/process/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
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
constexpr size_t kMaxOutput = size_t{1} << 20;
constexpr int kCannotStart = 127;

using Clock = std::chrono::steady_clock;

// The descriptors that become those of the program; -1: /dev/null.
struct Streams {
  int in = -1;
  int out = -1;
  int error = -1;
};

[[noreturn]] void Exec(const Command& command, const Streams& streams) {
  const Sys<Fd> null = sys::OpenFollowing("/dev/null", O_RDWR);
  const int otherwise = null ? null->get() : -1;
  ::dup2(streams.in < 0 ? otherwise : streams.in, STDIN_FILENO);
  ::dup2(streams.out < 0 ? otherwise : streams.out, STDOUT_FILENO);
  ::dup2(streams.error, STDERR_FILENO);
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

// One end of a pipe, and what has come from there.
struct Gathered {
  Fd fd;
  size_t limit;  // what is beyond is read and dropped
  std::string text = {};

  // Waits for bytes or the end. Closes the descriptor at the end.
  void Read() {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) return fd.Reset();
    text.append(buffer.data(), std::min(static_cast<size_t>(n), limit - text.size()));
  }
};

// Reads both until their ends. False: `deadline` came before.
bool GatherUntil(std::optional<Clock::time_point> deadline, std::array<Gathered, 2>* streams) {
  for (;;) {
    std::array<pollfd, 2> polled;
    for (size_t i = 0; i < polled.size(); ++i) polled[i] = {(*streams)[i].fd.get(), POLLIN, 0};
    if (polled[0].fd < 0 && polled[1].fd < 0) return true;
    int patience = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
      if (left.count() <= 0) return false;
      patience = static_cast<int>(std::min<int64_t>(left.count(), INT_MAX));
    }
    if (::poll(polled.data(), polled.size(), patience) <= 0) continue;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd >= 0 && polled[i].revents != 0) (*streams)[i].Read();
    }
  }
}

Result<Fd> MakePipe(Fd* writer) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return MakeError(Errno{errno}, "make a pipe");
  *writer = Fd(ends[1]);
  return Fd(ends[0]);
}

// A file in memory: a program that ends without reading its input kills nobody by SIGPIPE, and
// nothing waits for one that does not read.
Result<Fd> InputFile(const std::string& text) {
  Fd fd(::memfd_create("veneer-input", MFD_CLOEXEC));
  if (!fd) return MakeError(Errno{errno}, "make a file in memory");
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), text, 0), "write a file in memory");
  return fd;
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
  Fd in;
  Fd out;
  Fd error;
  std::array<Gathered, 2> streams{Gathered{{}, kMaxErrorText}, Gathered{{}, kMaxOutput}};
  VENEER_TRY(streams[0].fd, MakePipe(&error));
  if (command.keep_output) {
    VENEER_TRY(streams[1].fd, MakePipe(&out));
  }
  if (command.input) {
    VENEER_TRY(in, InputFile(*command.input));
  }
  std::optional<Clock::time_point> deadline;
  if (command.time_limit.count() > 0) deadline = Clock::now() + command.time_limit;
  const pid_t child = ::fork();
  if (child < 0) return MakeError(Errno{errno}, "start " + command.argv[0]);
  if (child == 0) Exec(command, {in.get(), out.get(), error.get()});
  out.Reset();
  error.Reset();
  Outcome outcome;
  if (!GatherUntil(deadline, &streams)) {
    outcome.timed_out = true;
    ::kill(child, SIGKILL);
  }
  outcome.error_text = std::move(streams[0].text);
  while (outcome.error_text.ends_with('\n')) outcome.error_text.pop_back();
  outcome.output = std::move(streams[1].text);
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
