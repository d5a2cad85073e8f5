// SPDX-License-Identifier: Apache-2.0
//
// Building objects in the work directory and letting them appear.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <array>
#include <cstdio>

#include "fs/upper/despite_mode.h"
#include "fs/upper/upper.h"
#include "layerdb/base/stepped_copy.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/dialect.h"

namespace veneer {

Upper::Staged::Staged(Staged&& other) noexcept
    : upper_(other.upper_), name_(std::exchange(other.name_, {})), fd_(std::move(other.fd_)) {}

Upper::Staged::~Staged() {
  if (name_.empty()) return;
  const sys::At here{upper_->work_.get(), name_.c_str()};
  if (!sys::Unlink(here)) {
    const auto removed = sys::RemoveDir(here);
    IgnoreError(removed, "the work directory is emptied at the next mount");
  }
}

sys::At Upper::Staged::at() const {
  return name_.empty() ? sys::At{fd_.get()} : sys::At{upper_->work_.get(), name_.c_str()};
}

std::string Upper::TempName() const {
  std::array<char, 24> name;
  const int n = snprintf(name.data(), name.size(), "#%llx",
                         static_cast<unsigned long long>(next_temp_.fetch_add(1)));
  return {name.data(), static_cast<size_t>(n)};
}

bool Upper::OwnsNaturally(uint32_t uid, std::optional<uint32_t> gid) const {
  return uid == uid_ && gid.value_or(gid_) == gid_ && !HasOverrideStat();
}

namespace {
// The mode an object is made with before its owner is set: nobody else may look in meanwhile.
constexpr mode_t kPrivateMode = 0600;

bool HoldsUserXattrs(FileType type) {
  return type == FileType::kRegular || type == FileType::kDirectory;
}
}  // namespace

// Contents first: writing drops set-user-ID bits and capabilities, which come later.
Sys<void> Upper::WriteContents(sys::At at, const NewObject& object, int data_fd) const {
  if (object.type != FileType::kRegular) return {};
  Fd own;
  int fd = data_fd;
  if (fd < 0) {
    VENEER_TRY(own, sys::Open(at, O_RDWR));
    fd = own.get();
  }
  const auto stop = [&] { return object.stop && object.stop(); };
  if (!object.metacopy) {
    if (object.data_fd >= 0 && object.data_size > 0) {
      VENEER_TRY_VOID(sys::CopyDataUnless(object.data_fd, fd, object.data_size, stop));
    } else if (object.data_size > 0) {
      VENEER_TRY_VOID(sys::WriteAt(fd, object.data_bytes.substr(0, object.data_size), 0));
    }
  }
  if (object.size != object.data_size || object.metacopy) {
    VENEER_TRY_VOID(sys::Truncate(fd, object.size));
  }
  if (object.metacopy || object.data_size == 0 || options_.is_volatile) return {};
  return sys::SyncDataUnless(fd, object.data_size, stop);
}

// Everything but the contents. The order matters: an ACL changes the mode; chown drops set-user-ID
// bits and file capabilities; times change with everything.
Sys<void> Upper::SetMetadata(sys::At at, const NewObject& object) const {
  auto set_xattr = [&](const Xattr& xattr) -> Sys<void> {
    const auto name = OnDisk(xattr.first);
    const auto done = name ? sys::SetXattr(at, name->c_str(), xattr.second, 0) : Fail(name.error());
    // What this process or file system may not hold, or has too long a name when it is escaped, is
    // left out, as the kernel's copy-up does; a file that cannot be written at all would be worse.
    if (!done && (done.error().code == EOPNOTSUPP || done.error().code == EPERM)) return {};
    return done;
  };
  if (!OwnsNaturally(object.uid, object.gid)) {
    VENEER_TRY_VOID(SetOwner(at, object.uid, object.gid));
  }
  for (const Xattr& xattr : object.xattrs) VENEER_TRY_VOID(set_xattr(xattr));
  if (object.origin.ino != 0 && (HoldsUserXattrs(object.type) || mark_space_ == kTrustedOverlay)) {
    const auto set = sys::SetXattr(at, Mark(kMarkOrigin).c_str(), object.origin.ToText(), 0);
    IgnoreError(set, "without it the file gets another inode number after a remount");
  }
  if (object.opaque) VENEER_TRY_VOID(SetOpaque(at));
  if (object.redirect) VENEER_TRY_VOID(SetRedirect(at, *object.redirect));
  if (object.metacopy) {
    VENEER_TRY_VOID(sys::SetXattr(at, Mark(kMarkMetacopy).c_str(), "", 0));
  }
  if (object.type != FileType::kSymlink) VENEER_TRY_VOID(SetMode(at, object.mode));
  if (object.atime || object.mtime) {
    const timespec times[2] = {ToTimespec(object.atime), ToTimespec(object.mtime)};
    VENEER_TRY_VOID(sys::SetTimes(at, times));
  }
  return {};
}

// A special file cannot carry the xattr that says whose it is; a regular file stands for it.
Sys<void> Upper::MakeSpecial(const NewObject& object, sys::At at) const {
  if (!HasOverrideStat()) {
    return sys::MakeNode(at, TypeBits(object.type) | kPrivateMode,
                         makedev(object.rdev_major, object.rdev_minor));
  }
  VENEER_TRY_VOID(sys::MakeNode(at, S_IFREG | kPrivateMode, 0));
  Attr attr;
  attr.type = object.type;
  attr.rdev_major = object.rdev_major;
  attr.rdev_minor = object.rdev_minor;
  return SetOverrideStat(at, OverrideOf(attr));
}

// What is made in the work directory does not take the flags of the directory that it is made for,
// as what is made in its place does. The set is that of ext4; btrfs hands on those of compression
// and copy-on-write alone, so that an object has more of them there. Without them an object is
// whole, so that nothing here is an error.
void Upper::InheritFlags(sys::At at, const NewObject& object, int data_fd) const {
  const bool directory = object.type == FileType::kDirectory;
  if (object.flags_from < 0 || (!directory && object.type != FileType::kRegular)) return;
  constexpr int kHandedOn = FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_COMPR_FL | FS_NOCOMP_FL |
                            FS_NOTAIL_FL | FS_NOCOW_FL;
  int from = 0;
  const auto parent = OpenFile({object.flags_from}, O_RDONLY | O_DIRECTORY);
  if (!parent || ::ioctl(parent->get(), FS_IOC_GETFLAGS, &from) < 0) return;
  from &= directory ? kHandedOn | FS_DIRSYNC_FL : kHandedOn;
  if (from == 0) return;
  Fd own;
  if (data_fd < 0) {
    auto opened = OpenFile(at, O_RDONLY);
    if (!opened) return;
    own = *std::move(opened);
    data_fd = own.get();
  }
  int flags = 0;
  if (::ioctl(data_fd, FS_IOC_GETFLAGS, &flags) < 0) return;
  flags |= from;
  if (::ioctl(data_fd, FS_IOC_SETFLAGS, &flags) < 0) return;
}

Sys<Upper::Staged> Upper::Stage(const NewObject& object, bool nameless) const {
  if (object.type == FileType::kRegular && tmpfile_) {
    VENEER_TRY(Fd fd, sys::Open({work_.get()}, O_TMPFILE | O_RDWR, kPrivateMode));
    Staged staged(this, "", std::move(fd));
    InheritFlags(staged.at(), object, staged.fd_.get());
    VENEER_TRY_VOID(WriteContents(staged.at(), object, staged.fd_.get()));
    VENEER_TRY_VOID(SetMetadata(staged.at(), object));
    return staged;
  }
  std::string name = TempName();
  const sys::At at{work_.get(), name.c_str()};
  Fd fd;
  switch (object.type) {
    case FileType::kDirectory: VENEER_TRY_VOID(sys::MakeDir(at, 0700)); break;
    case FileType::kSymlink: VENEER_TRY_VOID(sys::Symlink(object.target.c_str(), at)); break;
    case FileType::kRegular: {
      VENEER_TRY(fd, sys::Open(at, O_CREAT | O_EXCL | O_RDWR, kPrivateMode));
      break;
    }
    default: VENEER_TRY_VOID(MakeSpecial(object, at));
  }
  Staged staged(this, std::move(name), std::move(fd));
  InheritFlags(staged.at(), object, staged.fd_.get());
  VENEER_TRY_VOID(WriteContents(staged.at(), object, staged.fd_.get()));
  VENEER_TRY_VOID(SetMetadata(staged.at(), object));
  if (nameless) {
    if (!staged.fd_) {
      VENEER_TRY(staged.fd_, sys::Open(staged.at(), O_PATH));
    }
    const auto gone = object.type == FileType::kDirectory ? sys::RemoveDir(staged.at())
                                                          : sys::Unlink(staged.at());
    VENEER_TRY_VOID(gone);
    staged.name_.clear();
  }
  return staged;
}

Sys<void> Upper::Publish(Staged& staged, sys::At place, bool over_whiteout) const {
  if (staged.name_.empty()) return Link(staged.at(), place, over_whiteout);
  if (!over_whiteout) {
    VENEER_TRY_VOID(RenameIntoEmpty(staged.at(), place));
    staged.name_.clear();
    return {};
  }
  VENEER_TRY(const struct stat st, sys::Stat(staged.at()));
  if (!S_ISDIR(st.st_mode)) {
    VENEER_TRY_VOID(Rename(staged.at(), place, 0));
    staged.name_.clear();
    return {};
  }
  // A directory cannot replace a whiteout; they change places, and the destructor removes the
  // whiteout.
  return ExchangeOrReplace(staged.at(), place);
}

Sys<void> Upper::Rename(sys::At from, sys::At to, unsigned flags) const {
  return DespiteModes(modes_, uid_, {{from.fd}, {to.fd}, from, to},
                      [&] { return sys::Rename(from, to, flags); });
}

Sys<void> Upper::LinkName(sys::At from, sys::At to) const {
  return DespiteModes(modes_, uid_, {{to.fd}}, [&] { return sys::Link(from, to); });
}

Sys<void> Upper::RenameIntoEmpty(sys::At from, sys::At to) const {
  auto done = Rename(from, to, RENAME_NOREPLACE);
  if (done || (done.error().code != EINVAL && done.error().code != ENOSYS)) return done;
  // Without RENAME_NOREPLACE (NFS): the directory is ours alone, so looking first is as good.
  if (sys::Stat(to)) return Fail(EEXIST);
  return Rename(from, to, 0);
}

Sys<void> Upper::ExchangeOrReplace(sys::At temp, sys::At place) const {
  auto done = Rename(temp, place, RENAME_EXCHANGE);
  if (done || (done.error().code != EINVAL && done.error().code != ENOSYS)) return done;
  VENEER_TRY_VOID(sys::Unlink(place));
  return Rename(temp, place, 0);
}

Sys<void> Upper::MakeInPlace(const NewObject& object, sys::At place) const {
  switch (object.type) {
    case FileType::kDirectory: return sys::MakeDir(place, object.mode);
    case FileType::kSymlink: return sys::Symlink(object.target.c_str(), place);
    default:
      return sys::MakeNode(place, TypeBits(object.type) | object.mode,
                           makedev(object.rdev_major, object.rdev_minor));
  }
}

Sys<void> Upper::Link(sys::At from, sys::At to, bool over_whiteout) const {
  if (!over_whiteout) return LinkName(from, to);
  const std::string name = TempName();
  const sys::At temp{work_.get(), name.c_str()};
  VENEER_TRY_VOID(LinkName(from, temp));
  Staged guard(this, name, Fd());
  VENEER_TRY_VOID(Rename(temp, to, 0));
  guard.name_.clear();
  return {};
}

}  // namespace veneer
