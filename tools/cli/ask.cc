// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/ask.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr size_t kMaxSecret = size_t{64} << 10;
constexpr std::array<int, 7> kAskSignals = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
                                            SIGTSTP, SIGTTIN, SIGTTOU};

volatile std::sig_atomic_t g_ask_signal = 0;

void NoteSignal(int signal) { g_ask_signal = signal; }

// While it lives, signals end WaitForInput() and do nothing else: they are blocked elsewhere, so
// that none comes just before the wait.
class NotedSignals {
 public:
  NotedSignals() {
    g_ask_signal = 0;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : kAskSignals) sigaddset(&blocked, signal);
    sigprocmask(SIG_BLOCK, &blocked, &mask_before_);
    for (size_t i = 0; i < kAskSignals.size(); ++i) {
      struct sigaction action = {};
      action.sa_handler = NoteSignal;
      sigaction(kAskSignals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) sigaction(kAskSignals[i], &action, nullptr);
    }
  }
  ~NotedSignals() {
    for (size_t i = 0; i < kAskSignals.size(); ++i) sigaction(kAskSignals[i], &before_[i], nullptr);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  // False: a signal came.
  bool WaitForInput(int fd) const {
    pollfd input{fd, POLLIN, 0};
    while (g_ask_signal == 0 && ::ppoll(&input, 1, nullptr, &mask_before_) < 0 && errno == EINTR) {
    }
    return g_ask_signal == 0;
  }
  NotedSignals(const NotedSignals&) = delete;
  NotedSignals& operator=(const NotedSignals&) = delete;

 private:
  std::array<struct sigaction, kAskSignals.size()> before_ = {};
  sigset_t mask_before_ = {};
};

// The terminal does not show what is typed while this lives.
class HiddenInput {
 public:
  explicit HiddenInput(int terminal) : terminal_(terminal) {
    struct termios hidden;
    if (::tcgetattr(terminal, &hidden) != 0) return;
    before_ = hidden;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden.c_lflag |= ICANON | ECHONL;
    hidden_ = ::tcsetattr(terminal, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenInput() {
    if (before_) ::tcsetattr(terminal_, TCSAFLUSH, &*before_);
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

  bool hidden() const { return hidden_; }

 private:
  const int terminal_;
  std::optional<struct termios> before_;
  bool hidden_ = false;
};

// A line without its end; nullopt: a signal came. Byte for byte, so that the rest stays unread.
Result<std::optional<std::string>> ReadLine(int fd, const NotedSignals& signals) {
  std::string line;
  for (;;) {
    char c = 0;
    if (!signals.WaitForInput(fd)) return std::optional<std::string>();
    const ssize_t got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return MakeError(Errno{errno}, "read from the terminal");
    if (got == 0 && line.empty()) return MakeError("nothing was typed");
    if (got == 0 || c == '\n') return std::optional(std::move(line));
    if (line.size() == kMaxSecret) return MakeError("the line is longer than 64 KiB");
    line += c;
  }
}

Result<std::optional<std::string>> AskOnce(int terminal, const std::string& prompt, Echo echo) {
  const NotedSignals signals;
  std::optional<HiddenInput> hidden;
  if (echo == Echo::kHidden && !hidden.emplace(terminal).hidden()) {
    return MakeError("the terminal cannot hide what is typed");
  }
  for (size_t done = 0; done < prompt.size();) {
    const ssize_t written = ::write(terminal, prompt.data() + done, prompt.size() - done);
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  return ReadLine(terminal, signals);
}

}  // namespace

bool CanAsk() { return ::isatty(STDIN_FILENO) != 0; }

Result<std::string> Ask(const std::string& prompt, Echo echo) {
  Sys<Fd> terminal = sys::OpenFollowing("/dev/tty", O_RDWR | O_NOCTTY);
  // Standard input need not be the terminal of the session.
  if (!terminal) terminal = sys::OpenFollowing("/proc/self/fd/0", O_RDWR | O_NOCTTY);
  if (!terminal) return MakeError(terminal.error(), "open the terminal");
  for (;;) {
    VENEER_TRY(std::optional<std::string> line, AskOnce(terminal->get(), prompt, echo));
    if (line) return *std::move(line);
    // The terminal is as it was; the signal does what it does.
    ::raise(static_cast<int>(g_ask_signal));
  }
}

Result<std::string> ReadSecretFromInput() {
  std::string text(kMaxSecret + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return MakeError(Errno{errno}, "read from standard input");
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxSecret) return MakeError("standard input is longer than 64 KiB");
  text.resize(size);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace veneer
