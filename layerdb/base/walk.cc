// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/walk.h"

#include <fcntl.h>

#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// Directories that stay open on the way down: the highest, from which the walk goes on when one
// below them was moved away. Of those further down only the last is.
constexpr size_t kOpenLevels = 32;

struct Level {
  Fd fd;  // none: opened again on the way up
  dev_t device;
  ino_t ino;
  std::vector<std::string> todo;  // directories in it
};

bool IsLevel(int fd, const Level& level) {
  const Sys<struct stat> st = sys::Stat({fd});
  return st && st->st_dev == level.device && st->st_ino == level.ino;
}

// Reads a directory and tells of what is in it.
Sys<Level> Enter(Fd fd, TreeVisitor visit) {
  VENEER_TRY(const struct stat own, sys::Stat({fd.get()}));
  Level level{{}, own.st_dev, own.st_ino, {}};
  VENEER_TRY_VOID(sys::ReadDir(fd.get(), [&](const sys::Dirent& entry) {
    const Sys<struct stat> st = sys::Stat({fd.get(), entry.name});
    if (st && visit(*st) && S_ISDIR(st->st_mode)) level.todo.emplace_back(entry.name);
  }));
  level.fd = std::move(fd);
  return level;
}

// Leaves the last level, for its parent or, if that is not above it any more, for one that is still
// open.
void Leave(std::vector<Level>* levels) {
  const Level done = std::move(levels->back());
  levels->pop_back();
  if (levels->empty() || levels->back().fd) return;
  Sys<Fd> up = sys::Open({done.fd.get(), ".."}, O_RDONLY | O_DIRECTORY);
  if (up && IsLevel(up->get(), levels->back())) {
    levels->back().fd = *std::move(up);
    return;
  }
  while (!levels->back().fd) levels->pop_back();
}

}  // namespace

Sys<void> WalkTree(const std::string& path, TreeVisitor visit) {
  VENEER_TRY(Fd top, sys::Open({AT_FDCWD, path.c_str()}, O_RDONLY | O_DIRECTORY));
  std::vector<Level> levels;
  VENEER_TRY(Level first, Enter(std::move(top), visit));
  levels.push_back(std::move(first));
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.todo.empty()) {
      Leave(&levels);
      continue;
    }
    const std::string name = std::move(level.todo.back());
    level.todo.pop_back();
    Sys<Fd> fd = sys::Open({level.fd.get(), name.c_str()}, O_RDONLY | O_DIRECTORY);
    if (!fd && (fd.error().code == EMFILE || fd.error().code == ENFILE)) return Fail(fd.error());
    if (!fd) continue;
    VENEER_TRY(Level next, Enter(*std::move(fd), visit));
    if (levels.size() > kOpenLevels) level.fd.Reset();
    levels.push_back(std::move(next));
  }
  return {};
}

}  // namespace veneer
