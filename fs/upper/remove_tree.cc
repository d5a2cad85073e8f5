// SPDX-License-Identifier: Apache-2.0
#include "fs/upper/remove_tree.h"

#include <dirent.h>

#include <string>
#include <vector>

namespace veneer {

namespace {

// Unlinks what is no directory; returns the names of the directories.
Sys<std::vector<std::string>> UnlinkFiles(int fd) {
  std::vector<std::string> files;
  std::vector<std::string> directories;
  VENEER_TRY_VOID(sys::ReadDir(fd, [&](const sys::Dirent& entry) {
    bool directory = entry.type == DT_DIR;
    if (entry.type == DT_UNKNOWN) {
      const auto st = sys::Stat({fd, entry.name});
      directory = st && S_ISDIR(st->st_mode);
    }
    (directory ? directories : files).emplace_back(entry.name);
  }));
  for (const std::string& name : files) VENEER_TRY_VOID(sys::Unlink({fd, name.c_str()}));
  return directories;
}

}  // namespace

Sys<void> RemoveContents(int fd) {
  // A stack of open directories instead of recursion: the depth is whatever somebody built. A
  // directory with its subdirectories left to do is named by what it is called in the one before.
  struct Level {
    Fd fd;
    std::string name;
    std::vector<std::string> directories;
  };
  std::vector<Level> levels(1);
  VENEER_TRY(levels[0].fd, sys::Open({fd}, O_RDONLY | O_DIRECTORY));
  VENEER_TRY(levels[0].directories, UnlinkFiles(levels[0].fd.get()));
  for (;;) {
    Level& level = levels.back();
    if (!level.directories.empty()) {
      Level next;
      next.name = std::move(level.directories.back());
      level.directories.pop_back();
      const sys::At at{level.fd.get(), next.name.c_str()};
      // An empty directory needs no more, and a mode of 0 (the kernel's work directories) forbids
      // to look.
      if (sys::RemoveDir(at)) continue;
      auto opened = sys::Open(at, O_RDONLY | O_DIRECTORY);
      if (!opened && opened.error().code == EACCES && sys::Chmod(at, 0700)) {
        opened = sys::Open(at, O_RDONLY | O_DIRECTORY);
      }
      if (!opened) return Fail(opened.error());
      next.fd = *std::move(opened);
      VENEER_TRY(next.directories, UnlinkFiles(next.fd.get()));
      levels.push_back(std::move(next));
      continue;
    }
    if (levels.size() == 1) return {};
    const std::string name = std::move(level.name);
    levels.pop_back();
    VENEER_TRY_VOID(sys::RemoveDir({levels.back().fd.get(), name.c_str()}));
  }
}

Sys<void> RemoveTree(sys::At dir) {
  if (sys::RemoveDir(dir)) return {};
  VENEER_TRY(const Fd fd, sys::Open(dir, O_RDONLY | O_DIRECTORY));
  VENEER_TRY_VOID(RemoveContents(fd.get()));
  return sys::RemoveDir(dir);
}

}  // namespace veneer
