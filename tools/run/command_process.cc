// SPDX-License-Identifier: Apache-2.0
#include "tools/run/command_process.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "layerdb/base/fd.h"

namespace veneer {

namespace {

// Ends the process that did not become the command.
struct Failure {
  int pipe;

  [[noreturn]] void Die(int code, const std::string& what) const;
};

void Failure::Die(int code, const std::string& what) const {
  const int reason = errno;
  if (::write(pipe, "", 1) != 1) code = kExitNotRunnable;
  dprintf(STDERR_FILENO, "veneer: %s: %s\n", what.c_str(), ErrnoText(reason).c_str());
  _exit(code);
}

// The three may name each other's numbers, so they are moved out of the way first.
void Redirect(const ProcessSpec& spec, const Failure& failure) {
  const std::array<int, 3> wanted = {spec.stdin_fd, spec.stdout_fd, spec.stderr_fd};
  std::array<Fd, 3> copies;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] < 0) continue;
    copies[i] = Fd(::fcntl(wanted[i], F_DUPFD_CLOEXEC, 3));
    if (!copies[i]) failure.Die(kExitNotRunnable, "redirect the output");
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (copies[i] && ::dup2(copies[i].get(), static_cast<int>(i)) < 0) {
      failure.Die(kExitNotRunnable, "redirect the output");
    }
  }
}

void TakeAccount(const Account& account, const Failure& failure) {
  const std::string who = account.name.empty() ? std::to_string(account.uid) : account.name;
  // Without ids of one's own (user_namespaces(7)) setgroups is denied; the caller's groups then
  // stay, which mean nothing inside.
  if (::setgroups(account.groups.size(), account.groups.data()) < 0 && errno != EPERM) {
    failure.Die(kExitNotRunnable, "set the groups of user " + who);
  }
  if (::setresgid(account.gid, account.gid, account.gid) < 0 ||
      ::setresuid(account.uid, account.uid, account.uid) < 0) {
    const bool unmapped = errno == EINVAL;
    failure.Die(kExitNotRunnable,
                "become user " + who +
                    (unmapped ? ", whose ids /etc/subuid and /etc/subgid do not grant" : ""));
  }
}

// A FUSE mount without allow_other refuses everything to all but the user who mounted it, even to
// look at its root.
bool RootIsRefused() {
  struct stat st = {};
  return ::stat("/", &st) < 0 && errno == EACCES;
}

void EnterDirectory(const std::string& dir, const Account& account, const Failure& failure) {
  if (::chdir(dir.c_str()) == 0) return;
  const int reason = errno;
  const bool refused = reason == EACCES && RootIsRefused();
  errno = reason;
  if (refused) {
    const std::string who = account.name.empty() ? std::to_string(account.uid) : account.name;
    failure.Die(kExitNotRunnable,
                "enter the container as user " + who +
                    " (its mount is for the user who made it alone: unmount the container first, "
                    "or set user_allow_other in /etc/fuse.conf and mount it again)");
  }
  failure.Die(kExitNotRunnable, "change to directory " + dir);
}

void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal)
    ::signal(signal, SIG_DFL);  // fails for SIGKILL and its like
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::string ShellOf(const Account& account) {
  if (!account.shell.empty() && ::access(account.shell.c_str(), X_OK) == 0) return account.shell;
  return "/bin/sh";
}

}  // namespace

void BecomeCommand(const ProcessSpec& spec, const Account& account, const Terminal& terminal,
                   const CommandRights& rights, int failed) {
  const Failure failure{failed};
  Redirect(spec, failure);
  if (terminal.detached()) ::setsid();
  if (terminal.own_group()) {
    ::setpgid(0, 0);
    if (terminal.interactive()) terminal.GiveTo(::getpid());
  }
  ::umask(022);
  if (!LimitRights(rights)) failure.Die(kExitNotRunnable, "limit the capabilities");
  TakeAccount(account, failure);
  EnterDirectory(spec.working_dir.empty() ? "/" : spec.working_dir, account, failure);
  std::vector<std::string> words = spec.argv;
  if (words.empty()) words = {ShellOf(account)};
  const char* term = terminal.detached() ? nullptr : getenv("TERM");
  const std::vector<std::string> variables =
      ComposeEnvironment(spec.environment, account, term != nullptr ? term : "");
  ::clearenv();
  for (const std::string& variable : variables) ::putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ResetSignals();
  if (!SetUlimits(spec.ulimits)) failure.Die(kExitNotRunnable, "set the limits");
  // From here on the profile of system calls has to let the calls of this function through.
  if (!DropRights(rights, account.uid)) failure.Die(kExitNotRunnable, "drop capabilities");
  ::execvp(argv[0], argv.data());
  failure.Die(errno == ENOENT || errno == ENOTDIR ? kExitNotFound : kExitNotRunnable,
              words.front());
}

}  // namespace veneer
