// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/staging_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/lease.h"

namespace veneer {
namespace {

struct Leased {
  std::string dir;
  Fd lease;
};

// A new directory, locked. Prune may take one that is made but not locked yet for a dead one: then
// the next is tried.
Sys<Leased> MakeLeased(const std::string& parent) {
  for (;;) {
    std::string dir = parent + "/" + std::to_string(getpid()) + "-XXXXXX";
    VENEER_TRY_VOID(sys::MakeTemporaryDir(&dir));
    Sys<std::optional<Fd>> lease = TakeLease(dir, kNoPatience);
    if (!lease && lease.error().code != ENOENT) {
      IgnoreError(sys::RemoveDir(sys::Path(dir)), "prune does the rest");
      return Fail(lease.error());
    }
    if (!lease || !*lease) continue;
    VENEER_TRY(const struct stat st, sys::Stat({(*lease)->get()}));
    if (st.st_nlink > 0) return Leased{std::move(dir), **std::move(lease)};
  }
}

// "4711-Xy12Ab", as MakeLeased() makes them: other things in staging/ are kept for others.
bool IsStagingName(std::string_view name) {
  pid_t pid = 0;
  return TakeNumber(&name, &pid) && name.size() == 7 && name[0] == '-';
}

// Directories of processes that were killed: a build may have left gigabytes.
void RemoveDead(const std::string& parent) {
  const char* why = "prune does the rest";
  const Sys<Fd> staging = sys::Open(sys::Path(parent), O_RDONLY | O_DIRECTORY);
  if (!staging) return;
  std::vector<std::string> names;
  IgnoreError(sys::ReadDir(staging->get(),
                           [&](const sys::Dirent& entry) {
                             if (IsStagingName(entry.name)) names.emplace_back(entry.name);
                           }),
              why);
  for (const std::string& name : names) {
    const std::string path = parent + "/" + name;
    const Sys<std::optional<Fd>> dead = TakeLease(path, kNoPatience);
    if (dead && *dead) IgnoreError(RemoveTree(path), why);
  }
}

}  // namespace

Result<std::unique_ptr<StagingDir>> StagingDir::Make(const StoreLayout& layout) {
  VENEER_TRY_CTX(Fd lock, OpenLocked(layout.lock_file(), LockMode::kShared, kForever),
                 layout.lock_file());
  RemoveDead(layout.staging());
  VENEER_TRY_CTX(Leased leased, MakeLeased(layout.staging()), layout.staging());
  return std::unique_ptr<StagingDir>(
      new StagingDir(std::move(lock), std::move(leased.dir), std::move(leased.lease)));
}

StagingDir::~StagingDir() { Remove(); }

void StagingDir::Remove() {
  if (const Sys<uint64_t> removed = RemoveTree(path_); !removed) {
    LogWarning("left for prune: " + path_ + ": " + ErrnoText(removed.error().code));
  }
}

}  // namespace veneer
