// SPDX-License-Identifier: Apache-2.0
//
// Upper::Open: the checks and the lock at mount.
#include <linux/fs.h>

#include "fs/upper/lock.h"
#include "fs/upper/own_directory.h"
#include "fs/upper/upper.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/dialect.h"

namespace veneer {

namespace {

Result<Fd> OpenDirectory(const std::string& path, const char* role) {
  VENEER_TRY_CTX(Fd fd, sys::OpenFollowing(path, O_RDONLY | O_DIRECTORY),
                 std::string(role) + " " + path);
  return fd;
}

// The mount a directory lies in: a rename between two mounts of one file system is refused by the
// kernel.
Sys<uint64_t> MountId(int fd) {
  struct statx stx;
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0) return FailErrno();
  return stx.stx_mnt_id;
}

// Only what this program or the kernel's overlayfs puts there may be in a work directory:
// everything in it is theirs to delete.
Result<void> RefuseForeign(int fd, const std::string& path) {
  std::string foreign;
  VENEER_TRY_CTX_VOID(sys::ReadDir(fd,
                                   [&](const sys::Dirent& entry) {
                                     const std::string_view name = entry.name;
                                     if (name != "work" && name != "index" && name != "veneer") {
                                       foreign = name;
                                     }
                                   }),
                      "work directory " + path);
  if (foreign.empty()) return {};
  return MakeError("work directory " + path + " is not empty: it holds '" + foreign +
                   "'; give an empty directory of its own");
}

// True when `inner` is `outer` or lies below it.
Sys<bool> IsBelow(int inner, const struct stat& outer) {
  VENEER_TRY(Fd at, sys::Open({inner}, O_PATH | O_DIRECTORY));
  for (;;) {
    VENEER_TRY(const struct stat st, sys::Stat({at.get()}));
    if (st.st_dev == outer.st_dev && st.st_ino == outer.st_ino) return true;
    VENEER_TRY(Fd up, sys::Open({at.get(), ".."}, O_PATH | O_DIRECTORY));
    VENEER_TRY(const struct stat above, sys::Stat({up.get()}));
    if (above.st_dev == st.st_dev && above.st_ino == st.st_ino) return false;
    at = std::move(up);
  }
}

}  // namespace

Result<std::unique_ptr<Upper>> Upper::Open(const UpperOptions& options) {
  std::unique_ptr<Upper> upper(new Upper);
  upper->options_ = options;
  VENEER_TRY(upper->root_, OpenDirectory(options.upperdir, "upper directory"));
  VENEER_TRY(upper->workdir_, OpenDirectory(options.workdir, "work directory"));
  const std::string upper_what = "upper directory " + options.upperdir;
  const std::string work_what = "work directory " + options.workdir;

  VENEER_TRY_CTX(const struct stat root_st, sys::Stat({upper->root_.get()}), upper_what);
  VENEER_TRY_CTX(const struct stat work_st, sys::Stat({upper->workdir_.get()}), work_what);
  VENEER_TRY_CTX(const uint64_t root_mount, MountId(upper->root_.get()), upper_what);
  VENEER_TRY_CTX(const uint64_t work_mount, MountId(upper->workdir_.get()), work_what);
  if (root_st.st_dev != work_st.st_dev || root_mount != work_mount) {
    return MakeError(work_what + " is not on the file system of " + upper_what +
                     "; put them side by side");
  }
  VENEER_TRY_CTX(const bool work_in_upper, IsBelow(upper->workdir_.get(), root_st), work_what);
  VENEER_TRY_CTX(const bool upper_in_work, IsBelow(upper->root_.get(), work_st), upper_what);
  if (work_in_upper || upper_in_work) {
    return MakeError(work_what + " and " + upper_what +
                     " contain one another; put them side by side");
  }
  VENEER_TRY_VOID(RefuseForeign(upper->workdir_.get(), options.workdir));
  VENEER_TRY_VOID(LockDirectory(upper->root_.get(), upper_what));
  VENEER_TRY_VOID(LockDirectory(upper->workdir_.get(), work_what));

  const sys::At work{upper->workdir_.get(), "work"};
  VENEER_TRY_CTX(upper->work_, OpenOwnDirectory(work), work_what);
  VENEER_TRY_CTX_VOID(RemoveContents(upper->work_.get()), "empty " + work_what);
  VENEER_TRY_CTX(upper->links_, LinkIndex::Open(upper->workdir_.get()), work_what);
  upper->uid_ = ::geteuid();
  upper->gid_ = ::getegid();
  VENEER_TRY_VOID(upper->ChooseNotation(upper_what));
  VENEER_TRY_CTX_VOID(upper->Probe(), work_what);
  return upper;
}

Result<void> Upper::ChooseNotation(const std::string& what) {
  const sys::At root{root_.get()};
  const auto notation = BecomeUpper(root);
  if (!notation && notation.error().code == EOPNOTSUPP) {
    return MakeError(
        what +
        ": its file system keeps no extended attributes, in which an upper says what is deleted or "
        "moved; use another file system");
  }
  if (!notation) return MakeError(notation.error(), what + ": mark it as an upper directory");
  mark_space_ = notation->upper;
  privates_ = notation->privates;
  if (!HasOverrideStat() || privates_.override_stat != nullptr) return {};
  privates_.override_stat = notation->override_stat_seen;
  if (privates_.override_stat == nullptr) {
    // On the root too: who reads the directory as a layer looks for it there.
    privates_.override_stat = kOverrideStat;
    VENEER_TRY_CTX(const struct stat st, sys::Stat(root), what);
    VENEER_TRY_CTX_VOID(SetOverrideStat(root, OverrideOf(AttrFromStat(st))), what);
  }
  VENEER_TRY_CTX_VOID(KeepOverrideStats(root, privates_.override_stat), what);
  return {};
}

// Finds out once what the file system and our rights allow.
Sys<void> Upper::Probe() {
  tmpfile_ = sys::Open({work_.get()}, O_TMPFILE | O_RDWR, 0600).has_value();

  const sys::At whiteout{work_.get(), "probe-whiteout"};
  if (!sys::MakeNode(whiteout, S_IFCHR, 0)) {
    device_whiteouts_ = false;
    return {};
  }
  // Some file systems that pass requests on (virtiofs) say yes and make something else.
  const auto made = sys::Stat(whiteout);
  device_whiteouts_ = made && S_ISCHR(made->st_mode) && made->st_rdev == 0;
  if (!device_whiteouts_) return sys::Unlink(whiteout);
  const sys::At moved{work_.get(), "probe-moved"};
  rename_whiteout_ = sys::Rename(whiteout, moved, RENAME_WHITEOUT).has_value();
  if (rename_whiteout_) VENEER_TRY_VOID(sys::Unlink(moved));
  return sys::Unlink(whiteout);
}

}  // namespace veneer
