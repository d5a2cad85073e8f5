// SPDX-License-Identifier: Apache-2.0
#include "tools/run/mount_end.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "layerdb/base/parse.h"
#include "layerdb/base/process_progress.h"
#include "layerdb/base/served_mount.h"
#include "tools/run/holders.h"

namespace veneer {

namespace {

// A daemon with nothing to write ends within this; only then it is looked what keeps it.
constexpr int kFirstLookMs = 50;
constexpr int kNextLookMs = 500;
constexpr std::chrono::seconds kStuckPatience{60};

// The effective user of a process, from proc(5)'s status.
std::optional<uid_t> UserOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::string real;
    std::string effective;
    if (fields >> name >> real >> effective && name == "Uid:") return ParseNumber<uid_t>(effective);
  }
  return std::nullopt;
}

// fuse(4): who mounted it is among the options of the file system.
std::optional<uid_t> MounterOf(const MountEntry& mount) {
  constexpr std::string_view kOption = "user_id=";
  const std::string& options = mount.file_system_options;
  const size_t at = options.find(kOption);
  if (at == std::string::npos) return std::nullopt;
  uid_t user = 0;
  std::string_view text = std::string_view(options).substr(at + kOption.size());
  if (!TakeNumber(&text, &user)) return std::nullopt;
  return user;
}

}  // namespace

MountEnd::MountEnd(const MountEntry& mount) : mount_(mount) {
  const std::optional<dev_t> device = ParseDevice(mount_.device);
  if (!device) return;
  server_ = ServerOf(*device);
  if (!server_) return;
  // glibc 2.36 declares pidfd_open(2) for C only.
  process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, *server_, 0)));
  const std::optional<uid_t> user = UserOf(*server_);
  // Asked again, now that the process cannot become another.
  if (!process_ || !user || (*user != 0 && user != MounterOf(mount)) ||
      ServerOf(*device) != server_) {
    server_.reset();
    process_.Reset();
  }
}

// The number of a device is free for the next file system as soon as its own is gone, and the
// server says so a little later.
bool MountEnd::StillServes() const {
  const std::optional<dev_t> device = ParseDevice(mount_.device);
  bool serves = false;
  for (const MountServer& server : MountServers()) {
    if (server.device != device) continue;
    if (server.pid != *server_) return false;
    serves = true;
  }
  return serves;
}

MountEnd::Outcome MountEnd::Wait() {
  if (!process_) return Outcome::kEnded;
  ProcessProgress progress(*server_);
  struct pollfd ended = {process_.get(), POLLIN, 0};
  for (int pause = kFirstLookMs;; pause = kNextLookMs) {
    if (::poll(&ended, 1, pause) > 0) return Outcome::kEnded;
    holders_ = MountedElsewhereWords(mount_);
    if (!holders_.empty() && StillServes()) return Outcome::kHeld;
    if (progress.StuckFor() >= kStuckPatience) return Outcome::kStuck;
  }
}

}  // namespace veneer
