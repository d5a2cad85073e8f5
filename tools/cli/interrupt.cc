// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/interrupt.h"

#include <array>
#include <atomic>
#include <csignal>

namespace veneer {

namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

// A handler can reach nothing but these.
std::atomic<Cancellation*> g_cancellation = nullptr;
std::atomic<int> g_signal = 0;
static_assert(std::atomic<Cancellation*>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

void OnInterrupt(int signal) {
  g_signal = signal;
  if (Cancellation* cancellation = g_cancellation; cancellation != nullptr) cancellation->Request();
}

}  // namespace

Interrupt::Interrupt() {
  g_signal = 0;
  g_cancellation = &cancellation_;
  for (const int signal : kSignals) {
    struct sigaction before;
    sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;  // nohup
    struct sigaction action = {};
    action.sa_handler = OnInterrupt;
    action.sa_flags =
        static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: a read that waits must end
    sigaction(signal, &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (const int signal : kSignals) {
    struct sigaction now;
    sigaction(signal, nullptr, &now);
    if (now.sa_handler == OnInterrupt) std::signal(signal, SIG_DFL);
  }
  g_cancellation = nullptr;
}

void Interrupt::EndIfAsked() {
  if (g_signal == 0) return;
  std::signal(g_signal, SIG_DFL);
  std::raise(g_signal);
}

}  // namespace veneer
