// SPDX-License-Identifier: Apache-2.0
#include "fs/daemon.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

sigset_t WaitedFor() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return set;
}

// The rest of the parent's life.
[[noreturn]] void WaitForDaemon(const Fd& ready, pid_t daemon) {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::read(ready.get(), &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n == 1) ::_exit(0);
  int status = 0;
  while (::waitpid(daemon, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

}  // namespace

Result<Background> Background::Fork() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return MakeError(Errno{errno}, "cannot go to the background");
  Fd ready(ends[0]);
  Fd parent(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return MakeError(Errno{errno}, "cannot go to the background");
  if (child > 0) {
    parent.Reset();
    WaitForDaemon(ready, child);
  }
  return Background(std::move(parent));
}

bool Background::Ready() {
  if (!parent_) return true;
  ::setsid();
  LogToSyslog("veneerfs");
  const Sys<Fd> null = sys::OpenFollowing("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!null || ::dup2(null->get(), standard) < 0) ::close(standard);
  }
  const char byte = 0;
  const bool told = ::write(parent_.get(), &byte, 1) == 1;
  parent_.Reset();
  return told;
}

void BlockSignals() {
  const sigset_t set = WaitedFor();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file longer than a limit is the caller's error: EFBIG
}

Signals::Signals(std::function<void()> end, std::function<void()> report)
    : thread_([this, end = std::move(end), report = std::move(report)] {
        const sigset_t set = WaitedFor();
        while (true) {
          int number = 0;
          if (sigwait(&set, &number) != 0) continue;
          if (finished_) return;
          if (number != SIGUSR1) return end();
          report();
        }
      }) {}

Signals::~Signals() {
  finished_ = true;
  // Harmless when the thread has had its signal: the next one stays pending.
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

size_t PrepareProcess(int keep) {
  ::umask(0);
  // One arena for all threads: they share what they allocate and free, and memory given back stays
  // together.
  ::mallopt(M_ARENA_MAX, 1);
  if (::chdir("/") != 0) LogWarning("cannot leave the working directory: " + ErrnoText(errno));
  const unsigned first = STDERR_FILENO + 1;
  if (keep < static_cast<int>(first)) {
    ::close_range(first, ~0U, 0);
  } else {
    if (static_cast<unsigned>(keep) > first)
      ::close_range(first, static_cast<unsigned>(keep) - 1, 0);
    ::close_range(static_cast<unsigned>(keep) + 1, ~0U, 0);
  }
  rlimit limit = {};
  // The limit of who mounts is none of those who write; the kernel has compared theirs.
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
      LogWarning("cannot lift the limit of the size of files: " + ErrnoText(errno));
    }
  }
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 1024;
  return limit.rlim_cur;
}

}  // namespace veneer
