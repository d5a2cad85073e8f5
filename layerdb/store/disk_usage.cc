// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/disk_usage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// A directory on the way down, to be found again on the way up.
struct Level {
  ino_t ino;
  std::vector<std::string> todo;  // directories in it
};

}  // namespace

uint64_t DiskUsage::BytesOf(const struct stat& st) {
  if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && !linked_.emplace(st.st_dev, st.st_ino).second) {
    return 0;
  }
  return static_cast<uint64_t>(st.st_blocks) * 512;
}

Sys<uint64_t> DiskUsage::Of(const std::string& path) {
  struct stat st;
  if (lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return 0;
    return FailErrno();
  }
  const uint64_t own = BytesOf(st);
  if (!S_ISDIR(st.st_mode)) return own;
  const Fd fd(open(path.c_str(), kDirectory));
  if (!fd) {
    if (errno == ENOENT || errno == EACCES) return own;
    return FailErrno();
  }
  VENEER_TRY(const uint64_t below, Below(fd.get(), st.st_dev));
  return own + below;
}

Sys<uint64_t> DiskUsage::Below(int fd, dev_t device) {
  uint64_t bytes = 0;
  std::vector<Level> levels;
  const auto enter = [&](int dir) -> Sys<void> {
    struct stat st;
    if (fstat(dir, &st) != 0) return FailErrno();
    Level level{st.st_ino, {}};
    VENEER_TRY_VOID(sys::ReadDir(dir, [&](const sys::Dirent& entry) {
      struct stat each;
      if (fstatat(dir, entry.name, &each, AT_SYMLINK_NOFOLLOW) != 0 || each.st_dev != device)
        return;
      bytes += BytesOf(each);
      if (S_ISDIR(each.st_mode)) level.todo.emplace_back(entry.name);
    }));
    levels.push_back(std::move(level));
    return {};
  };
  Fd at(openat(fd, ".", kDirectory));
  if (!at) return FailErrno();
  VENEER_TRY_VOID(enter(at.get()));
  for (;;) {
    Level& level = levels.back();
    if (!level.todo.empty()) {
      const std::string name = std::move(level.todo.back());
      level.todo.pop_back();
      Fd next(openat(at.get(), name.c_str(), kDirectory));
      if (!next) continue;  // gone meanwhile, or not to be read
      VENEER_TRY_VOID(enter(next.get()));
      at = std::move(next);
      continue;
    }
    levels.pop_back();
    if (levels.empty()) return bytes;
    Fd up(openat(at.get(), "..", kDirectory));
    struct stat st;
    if (!up || fstat(up.get(), &st) != 0) return FailErrno();
    if (st.st_ino != levels.back().ino) return Fail(EUCLEAN);
    at = std::move(up);
  }
}

}  // namespace veneer
