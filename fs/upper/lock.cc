// SPDX-License-Identifier: Apache-2.0
#include "fs/upper/lock.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/mount_table.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/process_progress.h"
#include "layerdb/base/served_mount.h"

namespace veneer {

namespace {

using Clock = std::chrono::steady_clock;

// A daemon that has just begun or just ended may have the lock without saying so.
constexpr std::chrono::seconds kInUsePatience{1};
// One that is closing files may wait that long for something that is neither a processor nor a
// disk.
constexpr std::chrono::seconds kStuckPatience{5};
// One whose mount cannot be seen will notice its end, or is mounted in a namespace that cannot be
// looked into.
constexpr std::chrono::seconds kUnseenPatience{60};
constexpr std::chrono::milliseconds kPause{5};

// Who holds the flock on a directory. He is named and waited for, no more, so a guess will do.
std::optional<int> LockHolder(int fd) {
  const std::vector<FileLock> locks = FlocksOn(fd, Doubtful::kTaken);
  return locks.empty() ? std::nullopt : std::optional(locks.front().pid);
}

bool Lists(const Result<std::vector<MountEntry>>& table, dev_t device) {
  return table && std::ranges::any_of(*table, [device](const MountEntry& entry) {
           return ParseDevice(entry.device) == device;
         });
}

enum class Use {
  kMounted,  // or it cannot be told
  kUnseen,   // the mount is gone as far as can be seen
  kEnded,    // what it had is being closed
};

Use UseBy(int pid) {
  const std::optional<dev_t> device = DeviceServedBy(pid);
  if (!device || *device == ServedMount::kUnknown) return Use::kMounted;
  if (*device == ServedMount::kEnded) return Use::kEnded;
  const bool seen = Lists(ReadMountTable(), *device) || Lists(ReadMountTable(pid), *device);
  return seen ? Use::kMounted : Use::kUnseen;
}

// Waits for one holder after the other.
class Patience {
 public:
  // False when this holder is not worth another pause.
  bool IsLeftFor(std::optional<int> holder) {
    const Use use = holder ? UseBy(*holder) : Use::kMounted;
    const Clock::time_point now = Clock::now();
    if (holder != holder_ || use != use_) since_ = now;
    if (holder && (holder != holder_ || !progress_)) progress_.emplace(*holder);
    holder_ = holder;
    use_ = use;
    if (use == Use::kMounted) return now - since_ < kInUsePatience;
    if (use == Use::kUnseen && now - since_ >= kUnseenPatience) return false;
    return progress_->StuckFor() < kStuckPatience;
  }

 private:
  std::optional<int> holder_;
  Use use_ = Use::kMounted;
  Clock::time_point since_ = Clock::now();
  std::optional<ProcessProgress> progress_;
};

}  // namespace

Result<void> LockDirectory(int fd, const std::string& what) {
  Patience patience;
  for (bool waiting = false;; waiting = true) {
    VENEER_TRY_CTX(const bool locked, TakeLock(fd, LockMode::kExclusive, kNoPatience),
                   "lock " + what);
    if (locked) return {};
    const std::optional<int> holder = LockHolder(fd);
    if (!waiting && IsLogged(LogLevel::kDebug)) {
      LogDebug("waiting for " + what + ", which " +
               (holder ? "process " + std::to_string(*holder) : "another process") + " has locked");
    }
    if (!patience.IsLeftFor(holder)) {
      return MakeError(what + " is in use by another mount" +
                           (holder ? " (pid " + std::to_string(*holder) + ")" : "") +
                           "; unmount that one first",
                       ExitCode::kInUse);
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace veneer
