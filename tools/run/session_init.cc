// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session_init.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tools/process/process.h"
#include "tools/run/command_process.h"
#include "tools/run/control.h"
#include "tools/run/descriptor_passing.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/mount_api.h"
#include "tools/run/mount_stubs.h"
#include "tools/run/root_setup.h"

namespace veneer {

namespace {

// A new network namespace has a loopback device, switched off.
Result<void> SwitchLoopbackOn() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct ifreq request = {};
  strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) {
    return MakeError(Errno{errno}, "switch the loopback device on");
  }
  return {};
}

// The file system of this session alone: mounted here, where nobody outside sees it, and served by
// a daemon that the caller starts outside, so that this namespace does not live as long as the
// daemon but the daemon as long as this namespace.
//
// `number`: which of the session's trees; empty: its root.
Result<Fd> MountPrivate(const DaemonSpec& daemon, const std::string& number, int control) {
  VENEER_TRY(DetachedFuse fuse, MountDetached(daemon.source));
  VENEER_TRY_CTX_VOID(SendControl(control, ControlWord::kDevice, number, fuse.device.get()),
                      "start veneerfs");
  fuse.device.Reset();
  VENEER_TRY_CTX(const ControlMessage answer, ReceiveControl(control), "start veneerfs");
  if (answer.word != ControlWord::kServed) return MakeError("veneerfs was not started");
  return std::move(fuse.mount);
}

struct Prepared {
  Fd root;
  MountStubs stubs;
  Account account;
};

Result<Prepared> Prepare(const SessionSpec& spec, int control) {
  Prepared prepared;
  VENEER_TRY_VOID(MakeMountsPrivate());
  if (!spec.stub_record.empty()) {
    VENEER_TRY(prepared.stubs, MountStubs::Open(spec.stub_record));
  }
  if (spec.daemon) {
    VENEER_TRY(prepared.root, MountPrivate(*spec.daemon, {}, control));
    VENEER_TRY_VOID(MountAsRoot(prepared.root.get()));
  } else {
    VENEER_TRY(prepared.root, MountDirectoryAsRoot(spec.directory));
  }
  VENEER_TRY(prepared.account, ResolveAccountIn(prepared.root.get(), spec.process.user));
  if (spec.network == Network::kNone) VENEER_TRY_VOID(SwitchLoopbackOn());
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0) {
    return MakeError(Errno{errno}, "set the host name " + spec.hostname);
  }
  std::vector<Fd> trees;
  for (const TreeMount& tree : spec.trees) {
    VENEER_TRY(Fd mount, MountPrivate(tree.daemon, std::to_string(trees.size()), control));
    trees.push_back(std::move(mount));
  }
  VENEER_TRY_VOID(PopulateRoot(prepared.root.get(), spec, trees, &prepared.stubs));
  VENEER_TRY_VOID(EnterRoot(prepared.root.get()));
  return prepared;
}

class Init {
 public:
  Init(pid_t command, int control, const Terminal& terminal)
      : command_(command), control_(control), terminal_(terminal) {}

  // Until the command has ended: its exit code. When the caller is gone: as if killed.
  int Serve() {
    const sigset_t handled = HandledSignals();
    const Fd signals(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
    std::array<struct pollfd, 2> sources = {{{signals.get(), POLLIN, 0}, {control_, POLLIN, 0}}};
    while (!exit_code_) {
      if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) break;
      if (sources[1].revents != 0 && !TakeControl()) return 128 + SIGKILL;
      struct signalfd_siginfo info;
      while (::read(signals.get(), &info, sizeof(info)) == sizeof(info)) TakeSignal(info);
      Reap();
    }
    return exit_code_.value_or(128 + SIGKILL);
  }

 private:
  // Only what comes from outside this pid namespace (process 0) is passed on: the terminal reaches
  // the command by itself, and a process inside means process 1 when it says so.
  void TakeSignal(const struct signalfd_siginfo& info) {
    const sigset_t forwarded = ForwardedSignals();
    const auto signal = static_cast<int>(info.ssi_signo);
    if (sigismember(&forwarded, signal) == 1 && info.ssi_code == SI_USER && info.ssi_pid == 0) {
      ::kill(command_, signal);
    }
  }

  bool TakeControl() {
    const Sys<ControlMessage> message = ReceiveControl(control_);
    if (!message) return false;
    if (message->word == ControlWord::kContinueForeground) terminal_.GiveTo(command_);
    ::kill(terminal_.own_group() ? -command_ : command_, SIGCONT);
    return true;
  }

  void Reap() {
    int status = 0;
    pid_t child;
    while ((child = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
      if (child != command_) continue;
      if (WIFSTOPPED(status)) {
        // In the caller's own process group the terminal has stopped the caller as well.
        if (terminal_.own_group()) {
          IgnoreError(SendControl(control_, ControlWord::kStopped),
                      "poll sees that the caller is gone");
        }
        continue;
      }
      exit_code_ = ExitCodeOf(status);
    }
  }

  const pid_t command_;
  const int control_;
  const Terminal& terminal_;
  std::optional<int> exit_code_;
};

void EndAllProcesses() {
  ::kill(-1, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

}  // namespace

void RunSessionInit(const SessionSpec& spec, const CommandRights& rights, int control,
                    const Terminal& terminal) {
  ::prctl(PR_SET_NAME, "veneer-init");
  const ProcessSpec& process = spec.process;
  CloseAllBut({control, terminal.fd(), process.stdin_fd, process.stdout_fd, process.stderr_fd});
  Result<Prepared> prepared = Prepare(spec, control);
  if (!prepared) {
    const std::string text =
        std::to_string(static_cast<int>(prepared.error().exit())) + prepared.error().message();
    IgnoreError(SendControl(control, ControlWord::kFailed, text.substr(0, 4000)),
                "the caller is gone");
    _exit(1);
  }
  // The root user of an image has every right over the processes of its user namespace. Over this
  // one it shall have none: not to trace it, to read the caller's environment, to take its
  // descriptors or to change its program (prctl(2); CVE-2019-5736). The command is dumpable again
  // from its execve(2) on.
  ::prctl(PR_SET_DUMPABLE, 0);
  std::array<int, 2> failed = {-1, -1};
  const bool piped = ::pipe2(failed.data(), O_CLOEXEC) == 0;
  const pid_t command = piped ? ::fork() : -1;
  if (command == 0) BecomeCommand(process, prepared->account, terminal, rights, failed[1]);
  ::close(failed[1]);
  int code = kExitNotRunnable;
  if (command > 0) {
    // The pipe ends with the exec that succeeds.
    char byte = 0;
    if (::read(failed[0], &byte, 1) == 0) {
      IgnoreError(SendControl(control, ControlWord::kRunning), "poll sees that the caller is gone");
    }
    code = Init(command, control, terminal).Serve();
  }
  EndAllProcesses();
  if (spec.read_only) {
    IgnoreError(
        mounts::SetAttributes(prepared->root.get(), 0, MOUNT_ATTR_RDONLY, mounts::Depth::kOne),
        "stubs that cannot be removed now are removed by the next command");
  }
  prepared->stubs.Remove(prepared->root.get());
  _exit(code);
}

}  // namespace veneer
