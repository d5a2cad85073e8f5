// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session.h"

#include <poll.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "layerdb/base/log.h"
#include "layerdb/base/parse.h"
#include "tools/process/process.h"
#include "tools/run/command_rights.h"
#include "tools/run/control.h"
#include "tools/run/session_init.h"
#include "tools/run/terminal.h"

namespace veneer {

namespace {

// How long a session may take to end by itself.
constexpr int kCancelPatienceMs = 10'000;

// Blocks the handled signals while it lives.
class SignalBlock {
 public:
  SignalBlock() {
    const sigset_t handled = HandledSignals();
    sigprocmask(SIG_BLOCK, &handled, &before_);
  }
  ~SignalBlock() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  sigset_t before_;
};

// fork(2) into new namespaces. glibc has no call for it; the child only ever runs this file's few
// lines and session_init.cc, neither of which cares for the thread id that glibc remembers.
pid_t ForkInto(Network network) {
  const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                              (network == Network::kNone ? CLONE_NEWNET : 0) | SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
}

class Supervisor {
 public:
  Supervisor(const SessionSpec& spec, const Terminal& terminal, pid_t init, int control)
      : spec_(spec), terminal_(terminal), init_(init), control_(control) {}

  Result<SessionEnd> Run() {
    const sigset_t handled = HandledSignals();
    const Fd signals(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
    std::array<struct pollfd, 3> sources = {{{signals.get(), POLLIN, 0},
                                             {control_, POLLIN, 0},
                                             {spec_.cancel_fd, POLLIN | POLLRDHUP, 0}}};
    while (!exit_code_) {
      const int ready = ::poll(sources.data(), sources.size(), cancelled_ ? kCancelPatienceMs : -1);
      if (ready < 0 && errno != EINTR) break;
      if (ready == 0) ::kill(init_, SIGKILL);
      struct signalfd_siginfo info;
      while (::read(signals.get(), &info, sizeof(info)) == sizeof(info)) TakeSignal(info);
      if (sources[1].revents != 0 && !TakeControl()) sources[1].fd = -1;
      if (sources[2].revents != 0) {
        sources[2].fd = -1;
        Cancel();
      }
      Reap();
    }
    if (terminal_.interactive()) terminal_.GiveTo(0);
    for (const ProcessId& daemon : daemons_) {
      if (WaitUntilGone(daemon, kDaemonPatience)) continue;
      LogWarning("veneerfs (pid " + std::to_string(daemon.pid) + ") has not ended yet");
    }
    if (cancelled_) return tl::unexpected(Error("interrupted", ExitCode::kFailed, ECANCELED));
    if (error_ && !started_) return tl::unexpected(std::move(*error_));
    return SessionEnd{exit_code_.value_or(1), started_, std::move(error_)};
  }

 private:
  void TakeSignal(const struct signalfd_siginfo& info) {
    const sigset_t forwarded = ForwardedSignals();
    const auto signal = static_cast<int>(info.ssi_signo);
    // What the terminal sends to the whole process group has reached the command too, if it is in
    // that group.
    const bool by_terminal =
        info.ssi_code == SI_KERNEL && !terminal_.own_group() && !terminal_.detached();
    if (sigismember(&forwarded, signal) == 1 && !by_terminal) ::kill(init_, signal);
  }

  // The session ends as if this process had died: it kills its processes and takes its stubs out of
  // the tree. One that cannot is killed.
  void Cancel() {
    cancelled_ = true;
    ::shutdown(control_, SHUT_RDWR);
  }

  // False when the session has closed its end.
  bool TakeControl() {
    Sys<ControlMessage> message = ReceiveControl(control_);
    if (!message) return false;
    switch (message->word) {
      case ControlWord::kDevice: StartDaemon(message->text, std::move(message->fd)); break;
      case ControlWord::kRunning: started_ = true; break;
      case ControlWord::kStopped: StopWithCommand(); break;
      case ControlWord::kFailed:
        if (!error_ && !message->text.empty()) {
          error_ = Error(message->text.substr(1), static_cast<ExitCode>(message->text[0] - '0'));
        }
        break;
      default: break;
    }
    return true;
  }

  // `number`: which of the session's trees it serves; empty: its root.
  void StartDaemon(const std::string& number, Fd device) {
    const DaemonSpec& wanted =
        number.empty() ? *spec_.daemon
                       : spec_.trees.at(ParseNumber<size_t>(number).value_or(SIZE_MAX)).daemon;
    Result<ProcessId> daemon = StartDaemonOn(wanted, device.get(), {}, {control_});
    device.Reset();
    Result<void> known;
    if (daemon) {
      daemons_.push_back(*daemon);
      if (spec_.on_daemon && number.empty()) known = spec_.on_daemon(*daemon);
    }
    if (!daemon || !known) {
      error_ = daemon ? std::move(known).error() : std::move(daemon).error();
      ::kill(init_, SIGKILL);
      return;
    }
    IgnoreError(SendControl(control_, ControlWord::kServed), "a session that is gone is reaped");
  }

  // The terminal stopped the command's group, not ours: stop as well, so that the shell takes over,
  // and let the command go on when the shell lets us.
  void StopWithCommand() {
    terminal_.GiveTo(0);
    ::kill(::getpid(), SIGSTOP);
    const bool foreground = terminal_.interactive() && terminal_.InForeground();
    IgnoreError(SendControl(control_,
                            foreground ? ControlWord::kContinueForeground : ControlWord::kContinue),
                "a session that is gone is reaped");
  }

  // A session that is killed takes its mount with it, whose daemon may be gone before the session
  // is.
  bool IsEnding() const {
    constexpr int kPatienceMs = 100;
    // glibc 2.36 declares pidfd_open(2) for C only.
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, init_, 0)));
    struct pollfd ended = {process.get(), POLLIN, 0};
    return process && ::poll(&ended, 1, kPatienceMs) > 0;
  }

  void Reap() {
    int status = 0;
    // Without its file systems nothing in the session can go on.
    const auto lost =
        std::ranges::find_if(daemons_, [](const ProcessId& daemon) { return !daemon.IsAlive(); });
    if (lost != daemons_.end() && !lost_ && !IsEnding()) {
      lost_ = *lost;
      ::kill(init_, SIGKILL);
    }
    if (::waitpid(init_, &status, WNOHANG) != init_) return;
    // The last words of a session that failed may still be on their way.
    while (TakeControl()) {
    }
    exit_code_ = ExitCodeOf(status);
    // At the end of a session its daemon ends too, and may be faster.
    if (lost_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !error_) {
      error_ = Error(
          "the session ended, because veneerfs (pid " + std::to_string(lost_->pid) + ") has ended",
          ExitCode::kFailed);
    }
  }

  const SessionSpec& spec_;
  const Terminal& terminal_;
  const pid_t init_;
  const int control_;
  std::vector<ProcessId> daemons_;
  std::optional<ProcessId> lost_;
  bool started_ = false;
  bool cancelled_ = false;
  std::optional<int> exit_code_;
  std::optional<Error> error_;
};

}  // namespace

Result<SessionEnd> RunSession(const SessionSpec& spec) {
  VENEER_TRY_VOID(CheckUlimits(spec.process.ulimits));
  VENEER_TRY(const CommandRights rights, RightsFor(spec.confinement));
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return MakeError(Errno{errno}, "make a socket pair");
  }
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const Terminal terminal(spec.UsesTerminal() ? Terminal::Use::kCallers : Terminal::Use::kNone);
  const SignalBlock block;
  const pid_t init = ForkInto(spec.network);
  if (init < 0) {
    return MakeError(Errno{errno}, "make new namespaces (CAP_SYS_ADMIN is needed)");
  }
  if (init == 0) {
    ::close(ends[0]);
    RunSessionInit(spec, rights, ends[1], terminal);
  }
  theirs.Reset();
  return Supervisor(spec, terminal, init, ours.get()).Run();
}

}  // namespace veneer
