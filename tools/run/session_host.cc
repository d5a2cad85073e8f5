// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session_host.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "tools/process/process.h"
#include "tools/run/command_rights.h"
#include "tools/run/descriptor_passing.h"
#include "tools/run/session_message.h"

namespace veneer {

namespace {

// Far more than a description needs: the kernel takes 2 MiB of arguments and environment by
// default.
constexpr uint64_t kMaxMessage = 64 << 20;

struct SocketPair {
  Fd ours;
  Fd theirs;
};

Result<SocketPair> MakeSocketPair(int type) {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return MakeError(Errno{errno}, "make a socket pair");
  }
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Sys<void> SendAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return FailErrno();
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

Sys<void> ReceiveAll(int socket, char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t received = ::recv(socket, bytes, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return FailErrno();
    if (received == 0) return Fail(ECONNRESET);
    bytes += received;
    size -= static_cast<size_t>(received);
  }
  return {};
}

Sys<void> SendSized(int socket, const std::string& bytes) {
  const uint64_t size = bytes.size();
  VENEER_TRY_VOID(SendAll(socket, {reinterpret_cast<const char*>(&size), sizeof(size)}));
  return SendAll(socket, bytes);
}

Sys<std::string> ReceiveSized(int socket) {
  uint64_t size = 0;
  VENEER_TRY_VOID(ReceiveAll(socket, reinterpret_cast<char*>(&size), sizeof(size)));
  if (size > kMaxMessage) return Fail(EMSGSIZE);
  std::string bytes(size, '\0');
  VENEER_TRY_VOID(ReceiveAll(socket, bytes.data(), bytes.size()));
  return bytes;
}

// The descriptors of a command go one by one in front of the description, a byte for each: "+" with
// the descriptor, or "-" without one.
Sys<void> SendSpec(int socket, const SessionSpec& spec) {
  const ProcessSpec& process = spec.process;
  for (const int fd : {process.stdin_fd, process.stdout_fd, process.stderr_fd}) {
    VENEER_TRY_VOID(SendDescriptor(socket, fd < 0 ? "-" : "+", fd));
  }
  return SendSized(socket, PackSpec(spec));
}

struct Received {
  SessionSpec spec;
  std::array<Fd, 3> standard;  // which `spec` names
};

Result<Received> ReceiveSpec(int socket) {
  Received received;
  for (Fd& fd : received.standard) {
    char byte = 0;
    size_t size = 0;
    VENEER_TRY_CTX(fd, ReceiveMessage(socket, &byte, 1, &size), "receive a session");
    if (size != 1 || (byte == '+') != static_cast<bool>(fd)) {
      return MakeError("receive a session: a descriptor is missing");
    }
  }
  VENEER_TRY_CTX(const std::string bytes, ReceiveSized(socket), "receive a session");
  VENEER_TRY(received.spec, UnpackSpec(bytes));
  received.spec.process.stdin_fd = received.standard[0].get();
  received.spec.process.stdout_fd = received.standard[1].get();
  received.spec.process.stderr_fd = received.standard[2].get();
  received.spec.cancel_fd = socket;
  return received;
}

Result<SessionEnd> ServeSession(int socket) {
  VENEER_TRY(const Received received, ReceiveSpec(socket));
  return RunSession(received.spec);
}

// The process of one session.
[[noreturn]] void ServeAndExit(int socket) {
  ::prctl(PR_SET_NAME, "veneer-session");
  ::signal(SIGCHLD, SIG_DFL);
  IgnoreError(SendSized(socket, PackEnd(ServeSession(socket))), "nobody waits for it any more");
  _exit(0);
}

[[noreturn]] void RunHost(int socket) {
  ::prctl(PR_SET_NAME, "veneer-host");
  // The build answers the terminal's keys and signals, and ends the sessions.
  ::setsid();
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) ::signal(signal, SIG_DFL);
  ::signal(SIGCHLD, SIG_IGN);  // nobody waits for the sessions' processes
  CloseAllBut({socket});
  for (;;) {
    char byte = 0;
    size_t size = 0;
    const Sys<Fd> session = ReceiveMessage(socket, &byte, 1, &size);
    if (!session || size == 0) _exit(0);
    if (!*session) continue;
    // Read once for all sessions, and not at all in a build whose steps are all in the cache.
    IgnoreError(RightsFor(Confinement()), "each session meets it again");
    // A fork(2) that fails closes the socket, which is the answer.
    if (::fork() == 0) {
      ::close(socket);
      ServeAndExit(session->get());
    }
  }
}

}  // namespace

Result<std::unique_ptr<SessionHost>> SessionHost::Start() {
  VENEER_TRY(SocketPair sockets, MakeSocketPair(SOCK_SEQPACKET));
  const pid_t process = ::fork();
  if (process < 0) return MakeError(Errno{errno}, "start a process");
  if (process == 0) {
    sockets.ours.Reset();
    RunHost(sockets.theirs.get());
  }
  return std::unique_ptr<SessionHost>(new SessionHost(std::move(sockets.ours), process));
}

SessionHost::~SessionHost() {
  socket_.Reset();
  IgnoreError(WaitFor(process_), "it may have been killed");
}

Result<SessionEnd> SessionHost::Run(const SessionSpec& spec, const Cancellation* cancel) const {
  VENEER_TRY_VOID(Cancellation::Check(cancel));
  const std::string what = "start a session";
  VENEER_TRY(SocketPair sockets, MakeSocketPair(SOCK_STREAM));
  VENEER_TRY_CTX_VOID(SendDescriptor(socket_.get(), "s", sockets.theirs.get()), what);
  sockets.theirs.Reset();
  const int socket = sockets.ours.get();
  VENEER_TRY_CTX_VOID(SendSpec(socket, spec), what);
  // Who is cancelled says so, and waits: the tree is nobody's before the session has ended.
  const bool cancelled = !Cancellation::WaitForInput(cancel, socket);
  if (cancelled) ::shutdown(socket, SHUT_WR);
  const Sys<std::string> bytes = ReceiveSized(socket);
  if (cancelled) return tl::unexpected(Error("interrupted", ExitCode::kFailed, ECANCELED));
  if (!bytes) return MakeError("the process that looked after the session has ended");
  return UnpackEnd(*bytes);
}

}  // namespace veneer
