// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/interrupts.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// The signals of a line of /proc/PID/status, such as "SigPnd:\t0000000000000100"; bit 0 is signal
// 1.
uint64_t SignalsOf(std::string_view status, std::string_view line) {
  const size_t at = status.find(line);
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = status.substr(at + line.size(), 16);
  uint64_t signals = 0;
  return ParseNumber(digits, &signals, 16) ? signals : 0;
}

}  // namespace

bool Interrupts::Has(uint64_t request) const {
  return std::any_of(requests_.begin(), requests_.end(),
                     [&](const std::atomic<uint64_t>& one) { return one == request; });
}

bool IsBeingKilled(uint32_t thread) {
  if (thread == 0) return false;
  const std::string path = "/proc/" + std::to_string(thread) + "/status";
  const Sys<Fd> file = sys::OpenFollowing(path, O_RDONLY);
  if (!file) return false;
  char buffer[4096];
  const ssize_t size = ::read(file->get(), buffer, sizeof(buffer));
  const std::string_view status(buffer, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  const uint64_t pending = SignalsOf(status, "\nSigPnd:\t") | SignalsOf(status, "\nShdPnd:\t");
  return (pending & (uint64_t{1} << (SIGKILL - 1))) != 0;
}

}  // namespace veneer
