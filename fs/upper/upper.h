// SPDX-License-Identifier: Apache-2.0
//
// Upper: the writable directory of a mount and its work directory. It performs every change to
// them; what to change is decided above (fs/core). A change is crash-safe: an object is built in
// the work directory and appears by one rename or link, and contents are durable before they
// replace what they hide.
//
// On disk (kernel Documentation/filesystems/overlayfs.rst, so that the kernel can mount the same
// upper):
//
//   whiteout               character device 0:0 (or an empty file with the mark "whiteout" where
//                          mknod is refused)
//   marks                  <space>opaque|redirect|metacopy, <space> being trusted.overlay. or
//                          user.overlay.; one of them for a whole upper, with <space>veneer.upper
//                          on its root
//   <space>overlay.NAME    the xattr <space>NAME of a user, whose own union may lie in this one
//   user.containers.overlay.override_stat and the like
//                          the xattr of that name without "overlay.", set by a user
//   <space>veneer.origin   the object that this one was copied up from (ino_numbers.h)
//   WORK/work/             objects being built; emptied at every mount
//   WORK/veneer/links/     see link_index.h
//
// Thread-safe, except that changes to one place must be serialised by the caller.
#ifndef VENEER_FS_UPPER_UPPER_H_
#define VENEER_FS_UPPER_UPPER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fs/upper/link_index.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"
#include "layerdb/layer/layer.h"
#include "layerdb/model/dialect.h"
#include "layerdb/model/entry.h"

namespace veneer {

struct UpperOptions {
  std::string upperdir;
  std::string workdir;
  bool is_volatile = false;   // never wait for the disk
  bool redirect_dir = true;   // false: renaming a lower directory is EXDEV
  bool metacopy = true;       // false: chmod and friends copy the contents too
  int xattr_permissions = 0;  // not 0: owner and mode are kept in an xattr (kOverrideStats)
};

// An object of the upper as it is on disk.
struct UpperObject {
  Attr attr;  // Attr::ino and nlink are the upper file system's
  Marks marks;
  Origin origin;  // what it was copied up from; none: it was made here
  bool whiteout = false;
};

// What a new object is to be.
struct NewObject {
  FileType type = FileType::kRegular;
  uint32_t mode = 0;  // permission bits, the umask already applied
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t rdev_major = 0;
  uint32_t rdev_minor = 0;
  std::string target;  // of a symlink
  XattrList xattrs;    // as users name them; escaped on the way to disk
  std::optional<Timestamp> atime;
  std::optional<Timestamp> mtime;
  Origin origin;
  bool opaque = false;
  // The directory in the upper that it is made in, for the flags of chattr(1) that a file system
  // hands on to what is made in a directory; borrowed. -1: none.
  int flags_from = -1;
  std::optional<std::string> redirect;
  // Contents of a regular file: nothing, `size` bytes from `data_fd` or `data_bytes` (cut or
  // extended with a hole), or a metacopy of that size.
  int data_fd = -1;
  std::string_view data_bytes;
  uint64_t data_size = 0;  // how much of the data to copy
  uint64_t size = 0;
  bool metacopy = false;
  // Asked while the contents are copied and written; true: Stage() gives up with EINTR. May be
  // empty.
  std::function<bool()> stop;
};

class Upper {
 public:
  // Opens, checks and locks. Fails with one clear line: not a directory, not on one file system,
  // foreign things in the work directory, in use (ExitCode::kInUse, with the pid of the holder).
  // Empties the work directory of what a crash left. Waits up to a second for a holder that is
  // going away. Call it in the process that serves: the lock's owner is found by pid.
  static Result<std::unique_ptr<Upper>> Open(const UpperOptions& options);
  // Leaves nothing temporary in the work directory.
  ~Upper();
  Upper(const Upper&) = delete;
  Upper& operator=(const Upper&) = delete;

  const UpperOptions& options() const { return options_; }
  const Fd& root() const { return root_; }
  LinkIndex& links() { return *links_; }

  // --- reading ---
  // `parent_path`: where relative redirects start. A whiteout is no error.
  Sys<UpperObject> Read(sys::At at, std::string_view parent_path) const;
  Sys<Attr> Stat(sys::At at) const;
  Sys<std::optional<Timestamp>> BirthTime(sys::At at) const;
  struct Listed {
    std::string_view name;
    uint64_t ino;
    FileType type;
    bool whiteout;
  };
  Sys<void> List(sys::At dir, FunctionRef<void(const Listed&)> sink) const;

  // --- making ---
  // An object built in the work directory. Removed again unless it was published.
  class Staged {
   public:
    Staged(Staged&& other) noexcept;
    Staged& operator=(Staged&&) = delete;
    ~Staged();
    sys::At at() const;
    // The open file of a regular file, for reading and writing.
    Fd ReleaseFd() { return std::move(fd_); }

   private:
    friend class Upper;
    Staged(const Upper* upper, std::string name, Fd fd)
        : upper_(upper), name_(std::move(name)), fd_(std::move(fd)) {}
    const Upper* upper_;
    std::string name_;  // in the work directory; empty: without a name (O_TMPFILE)
    Fd fd_;
  };
  // Builds the object with all it carries. `nameless`: it will be used without ever getting a name.
  Sys<Staged> Stage(const NewObject& object, bool nameless = false) const;
  // Lets it appear at `place`, which holds nothing, or a whiteout (`over_whiteout`).
  Sys<void> Publish(Staged& staged, sys::At place, bool over_whiteout) const;
  // True when an object that this process makes belongs to (uid, gid) by itself. No gid: the group
  // will come from the directory.
  bool OwnsNaturally(uint32_t uid, std::optional<uint32_t> gid) const;
  // Makes the object in its place in one step. Only for objects that OwnsNaturally(), without
  // xattrs, times or marks; the directory's default ACL and set-group-ID apply as the file system
  // has them.
  Sys<void> MakeInPlace(const NewObject& object, sys::At place) const;
  // Another name for the object `from`; a whiteout at `to` is replaced.
  Sys<void> Link(sys::At from, sys::At to, bool over_whiteout) const;

  // --- removing ---
  enum class Occupied { kNothing, kFile, kDirectory };
  // Puts a whiteout at `place` in one step, whatever is there.
  Sys<void> Whiteout(sys::At place, Occupied by) const;
  // Removes what is at `place`; a directory may hold whiteouts.
  Sys<void> Remove(sys::At place, Occupied by) const;

  // --- renaming ---
  // Moves `from` to `to`. `to` holds nothing, a file, a whiteout (kFile), or, for a directory, one
  // without visible entries; `leave_whiteout`: a whiteout stays at `from`. One step where the file
  // system and our rights allow it. Gives true when a whiteout is at `from` now, asked for or not.
  Sys<bool> Move(sys::At from, bool from_is_dir, sys::At to, Occupied to_is,
                 bool leave_whiteout) const;
  Sys<void> Exchange(sys::At a, sys::At b) const;

  // --- attributes and marks ---
  Sys<void> SetOwner(sys::At at, std::optional<uint32_t> uid, std::optional<uint32_t> gid) const;
  Sys<void> SetMode(sys::At at, uint32_t mode) const;
  // Xattrs as users name them. What says something of the upper itself is not among them, and a
  // name of that kind is kept escaped; EOPNOTSUPP when it is too long then. An ACL sets the mode as
  // well.
  Sys<std::string> GetXattr(sys::At at, std::string_view name) const;
  Sys<std::vector<std::string>> ListXattr(sys::At at) const;
  Sys<void> SetXattr(sys::At at, std::string_view name, std::string_view value, int flags) const;
  Sys<void> RemoveXattr(sys::At at, std::string_view name) const;
  Sys<void> SetOpaque(sys::At dir) const;
  Sys<void> SetRedirect(sys::At at, std::string_view path) const;
  Sys<void> ClearMetacopy(sys::At file) const;
  // Opens a file or directory, also one of this process's own user whose mode forbids it; without
  // marking its time of access, where that is allowed.
  Sys<Fd> OpenFile(sys::At at, int flags) const;
  // Sync unless volatile.
  Sys<void> Sync(int fd, bool data_only) const;
  Sys<void> SyncAll() const;

 private:
  Upper() = default;
  std::string Mark(std::string_view mark) const { return std::string(mark_space_).append(mark); }
  Sys<void> SetMark(sys::At at, std::string_view mark, const std::string& value) const;
  Sys<void> ClearMark(sys::At at, std::string_view mark) const;
  std::string TempName() const;
  Result<void> ChooseNotation(const std::string& what);
  bool HasOverrideStat() const { return options_.xattr_permissions != 0; }
  Sys<void> SetOverrideStat(sys::At at, const OverrideStat& value) const;
  Sys<std::string> OnDisk(std::string_view name) const;
  Sys<void> SetAcl(sys::At at, std::string_view value, int flags) const;
  Sys<void> Probe();
  Sys<void> WriteContents(sys::At at, const NewObject& object, int data_fd) const;
  Sys<void> SetMetadata(sys::At at, const NewObject& object) const;
  Sys<void> MakeSpecial(const NewObject& object, sys::At at) const;
  void InheritFlags(sys::At at, const NewObject& object, int data_fd) const;
  Sys<std::string> StageWhiteout(int parent_fd) const;
  bool LinkSharedWhiteout(sys::At place) const;
  // As those of `sys`, also where the mode of a directory of our own user forbids it: the kernel
  // has seen to it that the caller may.
  Sys<void> Rename(sys::At from, sys::At to, unsigned flags) const;
  Sys<void> LinkName(sys::At from, sys::At to) const;
  Sys<void> RenameIntoEmpty(sys::At from, sys::At to) const;
  Sys<void> ExchangeOrReplace(sys::At temp, sys::At place) const;
  Sys<void> MoveLeavingWhiteout(sys::At from, bool from_is_dir, sys::At to, Occupied to_is) const;
  Sys<void> ReplaceLeavingWhiteout(sys::At from, sys::At to, sys::At whiteout) const;

  UpperOptions options_;
  Fd root_;  // O_RDONLY, carries the lock
  Fd workdir_;
  Fd work_;  // WORK/work
  std::unique_ptr<LinkIndex> links_;
  std::string_view mark_space_;  // kTrustedOverlay or kUserOverlay
  PrivateNames privates_;
  uint32_t uid_ = 0;
  uint32_t gid_ = 0;
  bool rename_whiteout_ = false;  // RENAME_WHITEOUT works
  bool tmpfile_ = false;          // O_TMPFILE works
  bool device_whiteouts_ = true;  // mknod 0:0 works
  mutable SharedMutex modes_;     // see despite_mode.h
  mutable std::atomic<uint64_t> next_temp_{1};
  mutable Mutex whiteout_mutex_;
  // The name of the shared whiteout in work_; empty: none yet.
  mutable std::string whiteout_ GUARDED_BY(whiteout_mutex_);
};

// Puts the times of a directory back after a change to its entries that no user made (copy-up).
class TimesGuard {
 public:
  explicit TimesGuard(sys::At dir);
  ~TimesGuard();
  TimesGuard(const TimesGuard&) = delete;
  TimesGuard& operator=(const TimesGuard&) = delete;

 private:
  sys::At dir_;
  timespec times_[2];
  bool known_ = false;
};

}  // namespace veneer

#endif  // VENEER_FS_UPPER_UPPER_H_
