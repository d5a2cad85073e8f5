// SPDX-License-Identifier: Apache-2.0
#include "tools/run/control.h"

#include <array>

#include "tools/run/descriptor_passing.h"

namespace veneer {

Sys<void> SendControl(int socket, ControlWord word, const std::string& text, int fd) {
  return SendDescriptor(socket, static_cast<char>(word) + text, fd);
}

Sys<ControlMessage> ReceiveControl(int socket) {
  std::array<char, 4096> buffer;
  size_t size = 0;
  ControlMessage message;
  auto fd = ReceiveMessage(socket, buffer.data(), buffer.size(), &size);
  if (!fd) return Fail(fd.error());
  if (size == 0) return Fail(ECONNRESET);
  message.word = static_cast<ControlWord>(buffer[0]);
  message.text.assign(buffer.data() + 1, size - 1);
  message.fd = std::move(*fd);
  return message;
}

sigset_t ForwardedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH}) {
    sigaddset(&set, signal);
  }
  return set;
}

sigset_t HandledSignals() {
  sigset_t set = ForwardedSignals();
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGTTOU);
  return set;
}

}  // namespace veneer
