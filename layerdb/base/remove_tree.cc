// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// Empties one directory after another. A directory inside that is not empty itself is moved up into
// the one at the top and emptied later, so that neither depth nor the length of a path matters.
class Remover {
 public:
  explicit Remover(Fd top) : top_(std::move(top)) {}

  Sys<uint64_t> Run() {
    Empty(top_.get(), true);
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.back());
      todo_.pop_back();
      if (const Sys<Fd> dir = sys::Open({top_.get(), name.c_str()}, O_RDONLY | O_DIRECTORY); dir) {
        Empty(dir->get(), false);
        Check(sys::RemoveDir({top_.get(), name.c_str()}));
      } else {
        Failed(dir.error().code);
      }
    }
    if (failure_) return Fail(*failure_);
    return freed_;
  }

 private:
  void Failed(int code) {
    if (!failure_ && code != ENOENT) failure_ = code;
  }

  void Check(const Sys<void>& done) {
    if (!done) Failed(done.error().code);
  }

  void Empty(int dir, bool is_top) {
    std::vector<std::pair<std::string, bool>> names;
    const Sys<void> read = sys::ReadDir(dir, [&](const sys::Dirent& entry) {
      names.emplace_back(entry.name, entry.type == DT_DIR || entry.type == DT_UNKNOWN);
    });
    if (!read) Failed(read.error().code);
    for (const auto& [name, may_be_dir] : names) {
      const sys::At at{dir, name.c_str()};
      const Sys<struct stat> st = sys::Stat(at);
      if (!st) {
        Failed(st.error().code);
      } else if (may_be_dir && S_ISDIR(st->st_mode)) {
        RemoveDir(dir, name, st->st_mode, is_top);
      } else if (const Sys<void> removed = sys::Unlink(at); !removed) {
        Failed(removed.error().code);
      } else if (st->st_nlink == 1) {
        freed_ += static_cast<uint64_t>(st->st_blocks) * 512;
      }
    }
  }

  void RemoveDir(int dir, const std::string& name, mode_t mode, bool is_top) {
    if (sys::RemoveDir({dir, name.c_str()})) return;
    // A directory is read, emptied and moved with all rights of its owner only.
    if ((mode & S_IRWXU) != S_IRWXU) {
      if (const Sys<void> opened = sys::Chmod({dir, name.c_str()}, 0700); !opened) {
        return Failed(opened.error().code);
      }
    }
    if (is_top) {
      todo_.push_back(name);
      return;
    }
    // The names at the top are anybody's: one that is taken is not used.
    for (;;) {
      std::string moved = ".removed-" + std::to_string(++moved_);
      const Sys<void> renamed =
          sys::Rename({dir, name.c_str()}, {top_.get(), moved.c_str()}, RENAME_NOREPLACE);
      if (renamed) {
        todo_.push_back(std::move(moved));
        return;
      }
      if (renamed.error().code != EEXIST) return Failed(renamed.error().code);
    }
  }

  const Fd top_;
  std::vector<std::string> todo_;  // directories in top_
  uint64_t moved_ = 0;
  uint64_t freed_ = 0;
  std::optional<int> failure_;
};

Sys<uint64_t> RemoveOne(const std::string& path) {
  VENEER_TRY(const struct stat st, sys::Stat(sys::Path(path)));
  VENEER_TRY_VOID(sys::Unlink(sys::Path(path)));
  return st.st_nlink == 1 ? static_cast<uint64_t>(st.st_blocks) * 512 : 0;
}

}  // namespace

Sys<uint64_t> RemoveTree(const std::string& path) {
  const sys::At at = sys::Path(path);
  Sys<Fd> top = sys::Open(at, O_RDONLY | O_DIRECTORY);
  if (!top && top.error().code == EACCES && sys::Chmod(at, 0700)) {
    top = sys::Open(at, O_RDONLY | O_DIRECTORY);
  }
  if (!top) {
    const int code = top.error().code;
    if (code == ENOENT) return 0;
    if (code != ENOTDIR && code != ELOOP) return Fail(code);
    const Sys<uint64_t> freed = RemoveOne(path);
    return !freed && freed.error().code == ENOENT ? 0 : freed;
  }
  IgnoreError(sys::Chmod({top->get()}, 0700), "the removal itself reports what is not allowed");
  VENEER_TRY(const uint64_t freed, Remover(*std::move(top)).Run());
  const Sys<void> removed = sys::RemoveDir(at);
  if (!removed && removed.error().code != ENOENT) return Fail(removed.error());
  return freed;
}

}  // namespace veneer
