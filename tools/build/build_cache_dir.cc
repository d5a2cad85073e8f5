// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build_cache_dir.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "layerdb/base/digest.h"
#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {

namespace {

// How often who waits for a cache looks whether it is free, or whether the build is to end.
constexpr std::chrono::milliseconds kLockPause{50};
constexpr size_t kMaxIdBytes = 4096;

std::string CacheName(const RunMount& mount) {
  return Digest::OfBytes(mount.id + '\0' + mount.from + '\0' + mount.source).hex();
}

std::string CachePath(const Store& store, const std::string& name) {
  return store.layout().caches() + "/" + name;
}

// The lock of a cache, whose directory is made where it is missing. No descriptor: another has it.
Result<Fd> TryLock(const std::string& path, LockMode mode) {
  for (;;) {
    VENEER_TRY_CTX_VOID(EnsureDir(path, 0700), path);
    const std::string file = path + "/lock";
    Sys<Fd> lock = OpenLocked(file, mode, kNoPatience);
    if (!lock && lock.error().code == ENOENT) continue;  // removed between the two
    if (!lock) return MakeError(lock.error(), file);
    if (!*lock) return Fd();
    // It may have been removed, and made again, while this came.
    const Sys<struct stat> locked = sys::Stat({lock->get()});
    const Sys<struct stat> there = sys::Stat(sys::Path(file));
    if (locked && there && locked->st_ino == there->st_ino) return *std::move(lock);
  }
}

Result<Fd> WaitForLock(const std::string& path, LockMode mode, const Cancellation* cancel) {
  for (;;) {
    VENEER_TRY(Fd lock, TryLock(path, mode));
    if (lock) return lock;
    VENEER_TRY_VOID(Cancellation::Check(cancel));
    std::this_thread::sleep_for(kLockPause);
  }
}

struct LockedCache {
  std::string path;
  Fd lock;
};

// A private cache that is in use is left alone: the first free one of its name, numbered from 1 on.
Result<LockedCache> LockPrivate(const std::string& path) {
  for (int number = 0;; ++number) {
    std::string one = number == 0 ? path : path + "." + std::to_string(number);
    VENEER_TRY(Fd lock, TryLock(one, LockMode::kExclusive));
    if (lock) return LockedCache{std::move(one), std::move(lock)};
  }
}

Result<LockedCache> LockCache(const std::string& path, RunMount::Sharing sharing,
                              const Cancellation* cancel) {
  if (sharing == RunMount::Sharing::kPrivate) return LockPrivate(path);
  const bool alone = sharing == RunMount::Sharing::kLocked;
  VENEER_TRY(Fd lock, WaitForLock(path, alone ? LockMode::kExclusive : LockMode::kShared, cancel));
  return LockedCache{path, std::move(lock)};
}

Result<void> WriteId(const std::string& path, const std::string& id) {
  const std::string file = path + "/id";
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(file), O_WRONLY | O_CREAT | O_TRUNC, 0600), file);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), id, 0), file);
  return {};
}

// Makes the directory that is mounted, with its owner and mode, under another name first: whoever
// is killed here leaves no half of it.
Result<void> MakeData(const std::string& path, const RunMount& mount) {
  const std::string data = path + "/data";
  const std::string fresh = path + "/new";
  VENEER_TRY_CTX_VOID(RemoveTree(fresh), fresh);
  VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(fresh), 0700), fresh);
  VENEER_TRY_CTX_VOID(sys::Chown(sys::Path(fresh), mount.uid, mount.gid), fresh);
  VENEER_TRY_CTX_VOID(sys::Chmod(sys::Path(fresh), mount.mode), fresh);
  const Sys<void> moved = sys::Rename(sys::Path(fresh), sys::Path(data), RENAME_NOREPLACE);
  // Another step that shares it may have been faster.
  if (!moved && moved.error().code != EEXIST) return MakeError(moved.error(), data);
  return {};
}

}  // namespace

Result<OpenCacheDir> OpenBuildCache(const Store& store, const RunMount& mount, bool fresh,
                                    const Cancellation* cancel) {
  VENEER_TRY_CTX_VOID(EnsureDir(store.layout().caches(), 0700), store.layout().caches());
  VENEER_TRY(LockedCache cache,
             LockCache(CachePath(store, CacheName(mount)), mount.sharing, cancel));
  const std::string data = cache.path + "/data";
  if (fresh && mount.sharing != RunMount::Sharing::kShared) {
    VENEER_TRY_CTX_VOID(RemoveTree(data), data);
  } else if (fresh) {
    // Only who has it alone may empty it.
    VENEER_TRY_CTX(const bool alone, TakeLock(cache.lock.get(), LockMode::kExclusive, kNoPatience),
                   cache.path);
    if (alone) VENEER_TRY_CTX_VOID(RemoveTree(data), data);
    VENEER_TRY_CTX_VOID(TakeLock(cache.lock.get(), LockMode::kShared, kForever), cache.path);
  }
  OpenCacheDir open{data, !Exists(data), std::move(cache.lock)};
  if (open.made) {
    VENEER_TRY_VOID(WriteId(cache.path, mount.id));
    VENEER_TRY_VOID(MakeData(cache.path, mount));
  }
  const timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  IgnoreError(sys::SetTimes(sys::Path(cache.path + "/lock"), now), "it tells the last use only");
  return open;
}

Result<std::vector<CacheDirUsage>> ListBuildCaches(const Store& store) {
  const std::string caches = store.layout().caches();
  VENEER_TRY_CTX(std::vector<std::string> names, NamesIn(caches), caches);
  std::ranges::sort(names);
  std::vector<CacheDirUsage> list;
  TreeMeasure measure;
  for (const std::string& name : names) {
    const std::string path = CachePath(store, name);
    CacheDirUsage usage;
    usage.name = name;
    usage.id = ReadFile(path + "/id", kMaxIdBytes).value_or("");
    const Sys<TreeSize> size = measure.Of(path);
    if (!size) continue;  // removed meanwhile
    usage.bytes = size->on_disk;
    if (const auto st = sys::Stat(sys::Path(path + "/lock"))) usage.used = st->st_mtim.tv_sec;
    const Sys<Fd> lock = OpenLocked(path + "/lock", LockMode::kExclusive, kNoPatience);
    usage.in_use = lock && !*lock;
    list.push_back(std::move(usage));
  }
  return list;
}

Result<bool> RemoveBuildCache(const Store& store, const std::string& name) {
  const std::string path = CachePath(store, name);
  VENEER_TRY(const Fd lock, TryLock(path, LockMode::kExclusive));
  if (!lock) return false;
  VENEER_TRY_CTX_VOID(RemoveTree(path), path);
  return true;
}

}  // namespace veneer
