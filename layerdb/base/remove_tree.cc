// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {
namespace {

uint64_t BytesFreed(const struct stat& st) {
  return st.st_nlink == 1 ? static_cast<uint64_t>(st.st_blocks) * 512 : 0;
}

// Empties one directory after another. A directory inside that is not empty itself is moved up into
// the one at the top and emptied later, so that neither depth nor the length of a path matters.
class Remover {
 public:
  explicit Remover(Fd top) : top_(std::move(top)) {}

  // Whoever has the directory open sees its mode, so that stays if the rights of its owner suffice.
  Sys<uint64_t> RunWithRights() {
    const Sys<uint64_t> freed = Run();
    if (!denied_ || !sys::Chmod({top_.get()}, 0700)) return freed;
    failure_.reset();
    return Run();
  }

  Sys<uint64_t> Run() {
    Empty(top_.get());
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.back());
      todo_.pop_back();
      const sys::At at{top_.get(), name.c_str()};
      // ENOENT: one that was empty was replaced by what was moved up, under its name, which is in
      // `todo` twice.
      const Sys<Fd> dir = sys::Open(at, O_RDONLY | O_DIRECTORY);
      Check(dir);
      if (!dir) continue;
      Empty(dir->get());
      Check(sys::RemoveDir(at));
    }
    if (failure_) return Fail(*failure_);
    return freed_;
  }

 private:
  template <class T>
  void Check(const Sys<T>& done) {
    if (done || done.error().code == ENOENT) return;
    denied_ = denied_ || done.error().code == EACCES;
    if (!failure_) failure_ = done.error().code;
  }

  void Empty(int dir) {
    std::vector<std::string> names;
    std::vector<std::string> directories;
    Check(sys::ReadDir(dir, [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }));
    for (std::string& name : names) {
      const sys::At at{dir, name.c_str()};
      const Sys<struct stat> st = sys::Stat(at);
      Check(st);
      if (!st) continue;
      if (S_ISDIR(st->st_mode)) {
        // A directory is read, emptied and moved with all rights of its owner only.
        if (sys::RemoveDir(at)) continue;
        if ((st->st_mode & S_IRWXU) != S_IRWXU) {
          IgnoreError(sys::Chmod(at, 0700), "what follows reports what is not allowed");
        }
        directories.push_back(std::move(name));
      } else if (const Sys<void> removed = sys::Unlink(at); removed) {
        freed_ += BytesFreed(*st);
      } else {
        Check(removed);
      }
    }
    // Only now, when nothing but directories is left at the top.
    for (std::string& name : directories) {
      if (dir == top_.get()) {
        todo_.push_back(std::move(name));
      } else {
        MoveUp({dir, name.c_str()});
      }
    }
  }

  // To a name that is free at the top, or that of an empty directory: all there is being removed. A
  // name of somebody else's file that could not be removed is not replaced by a directory
  // (ENOTDIR).
  void MoveUp(sys::At directory) {
    for (;;) {
      std::string name = "removed-" + std::to_string(++moved_);
      const Sys<void> moved = sys::Rename(directory, {top_.get(), name.c_str()}, 0);
      if (moved) {
        todo_.push_back(std::move(name));
        return;
      }
      const int code = moved.error().code;
      if (code != ENOTEMPTY && code != EEXIST && code != ENOTDIR) return Check(moved);
    }
  }

  const Fd top_;
  std::vector<std::string> todo_;  // directories in top_
  uint64_t moved_ = 0;
  uint64_t freed_ = 0;
  std::optional<int> failure_;  // the first
  bool denied_ = false;         // rights of the owner are missing
};

Sys<uint64_t> RemoveFileAt(sys::At at) {
  VENEER_TRY(const struct stat st, sys::Stat(at));
  VENEER_TRY_VOID(sys::Unlink(at));
  return BytesFreed(st);
}

Sys<uint64_t> RemoveAny(sys::At at) {
  Sys<Fd> top = sys::Open(at, O_RDONLY | O_DIRECTORY);
  if (!top && top.error().code == EACCES && sys::Chmod(at, 0700)) {
    top = sys::Open(at, O_RDONLY | O_DIRECTORY);
  }
  if (!top) {
    const int code = top.error().code;
    return code == ENOTDIR || code == ELOOP ? RemoveFileAt(at) : Fail(code);
  }
  VENEER_TRY(const uint64_t freed, Remover(*std::move(top)).RunWithRights());
  VENEER_TRY_VOID(sys::RemoveDir(at));
  return freed;
}

}  // namespace

Sys<uint64_t> RemoveTree(sys::At at) {
  const Sys<uint64_t> freed = RemoveAny(at);
  return !freed && freed.error().code == ENOENT ? 0 : freed;
}

Sys<uint64_t> RemoveTree(const std::string& path) { return RemoveTree(sys::Path(path)); }

Sys<uint64_t> RemoveContents(int fd) {
  VENEER_TRY(Fd top, sys::Open({fd}, O_RDONLY | O_DIRECTORY));
  return Remover(std::move(top)).Run();
}

}  // namespace veneer
