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

// Its mode may forbid its owner to look (0: the kernel's work directories) or to remove what is in it.
Sys<Fd> OpenDirectory(sys::At at) {
  VENEER_TRY(const struct stat st, sys::Stat(at));
  if (S_ISDIR(st.st_mode) && (st.st_mode & S_IRWXU) != S_IRWXU) {
    IgnoreError(sys::Chmod(at, 0700),
                "root needs no permission; others are told when they lack it");
  }
  return sys::Open(at, O_RDONLY | O_DIRECTORY);
}

// Moves a directory into `top`, under a name that is free there. Nothing that this could replace is a loss: all of it is
// being removed.
Sys<std::string> MoveUp(sys::At directory, int top, uint64_t& number) {
  for (;;) {
    std::string name = "removed-" + std::to_string(++number);
    auto moved = sys::Rename(directory, {top, name.c_str()}, 0);
    // Its entry ".." is written, too.
    if (!moved && moved.error().code == EACCES && sys::Chmod(directory, 0700)) {
      moved = sys::Rename(directory, {top, name.c_str()}, 0);
    }
    if (moved) return name;
    const int code = moved.error().code;
    if (code != ENOTEMPTY && code != EEXIST) return Fail(code);
  }
}

}  // namespace

Sys<void> RemoveContents(int fd) {
  // Neither recursion nor a descriptor for each level: the depth is whatever somebody built. A directory that is not empty
  // is moved to the top, and emptied there later.
  VENEER_TRY(const Fd top, sys::Open({fd}, O_RDONLY | O_DIRECTORY));
  VENEER_TRY(std::vector<std::string> todo, UnlinkFiles(top.get()));
  uint64_t number = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    const sys::At at{top.get(), name.c_str()};
    const auto removed = sys::RemoveDir(at);
    // ENOENT: one that was empty was replaced by what was moved up, under its name, which is in `todo` twice.
    if (removed || removed.error().code == ENOENT) continue;
    VENEER_TRY(const Fd directory, OpenDirectory(at));
    VENEER_TRY(const std::vector<std::string> inside, UnlinkFiles(directory.get()));
    for (const std::string& one : inside) {
      const sys::At below{directory.get(), one.c_str()};
      if (sys::RemoveDir(below)) continue;
      VENEER_TRY(std::string moved, MoveUp(below, top.get(), number));
      todo.push_back(std::move(moved));
    }
    VENEER_TRY_VOID(sys::RemoveDir(at));
  }
  return {};
}

Sys<void> RemoveTree(sys::At dir) {
  if (sys::RemoveDir(dir)) return {};
  VENEER_TRY(const Fd fd, OpenDirectory(dir));
  VENEER_TRY_VOID(RemoveContents(fd.get()));
  return sys::RemoveDir(dir);
}

}  // namespace veneer
