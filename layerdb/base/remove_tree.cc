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
      if (const Sys<Fd> dir = OpenDir(top_.get(), name); dir) {
        Empty(dir->get(), false);
        if (unlinkat(top_.get(), name.c_str(), AT_REMOVEDIR) != 0) Failed(errno);
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

  static Sys<Fd> OpenDir(int at, const std::string& name) {
    Fd fd(openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd) return fd;
    return FailErrno();
  }

  void Empty(int dir, bool is_top) {
    std::vector<std::pair<std::string, bool>> names;
    const Sys<void> read = sys::ReadDir(dir, [&](const sys::Dirent& entry) {
      names.emplace_back(entry.name, entry.type == DT_DIR || entry.type == DT_UNKNOWN);
    });
    if (!read) Failed(read.error().code);
    for (const auto& [name, may_be_dir] : names) {
      struct stat st;
      if (fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
        Failed(errno);
      } else if (may_be_dir && S_ISDIR(st.st_mode)) {
        RemoveDir(dir, name, st.st_mode, is_top);
      } else if (unlinkat(dir, name.c_str(), 0) != 0) {
        Failed(errno);
      } else if (st.st_nlink == 1) {
        freed_ += static_cast<uint64_t>(st.st_blocks) * 512;
      }
    }
  }

  void RemoveDir(int dir, const std::string& name, mode_t mode, bool is_top) {
    if (unlinkat(dir, name.c_str(), AT_REMOVEDIR) == 0) return;
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
      if (renameat2(dir, name.c_str(), top_.get(), moved.c_str(), RENAME_NOREPLACE) == 0) {
        todo_.push_back(std::move(moved));
        return;
      }
      if (errno != EEXIST) return Failed(errno);
    }
  }

  const Fd top_;
  std::vector<std::string> todo_;  // directories in top_
  uint64_t moved_ = 0;
  uint64_t freed_ = 0;
  std::optional<int> failure_;
};

Sys<uint64_t> RemoveFile(const std::string& path) {
  struct stat st;
  if (lstat(path.c_str(), &st) != 0 || unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return 0;
    return FailErrno();
  }
  return st.st_nlink == 1 ? static_cast<uint64_t>(st.st_blocks) * 512 : 0;
}

}  // namespace

Sys<uint64_t> RemoveTree(const std::string& path) {
  Fd top(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top && errno == EACCES && sys::Chmod({AT_FDCWD, path.c_str()}, 0700)) {
    top = Fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!top) {
    if (errno == ENOENT) return 0;
    if (errno == ENOTDIR || errno == ELOOP) return RemoveFile(path);
    return FailErrno();
  }
  // Where this is not allowed, what follows says so.
  IgnoreError(fchmod(top.get(), 0700), "the removal itself reports what is not allowed");
  VENEER_TRY(const uint64_t freed, Remover(std::move(top)).Run());
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) return FailErrno();
  return freed;
}

}  // namespace veneer
