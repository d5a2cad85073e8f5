// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/directory_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/printable.h"
#include "layerdb/tar/mapping.h"

namespace veneer {

namespace {

// Directories that stay open on the way down; those above are opened again on the way up.
constexpr size_t kOpenLevels = 64;

Attr AttrOf(const struct stat& st, std::optional<int64_t> epoch) {
  Attr attr;
  attr.type = TypeFromMode(st.st_mode);
  attr.mode = st.st_mode & 07777;
  attr.uid = st.st_uid;
  attr.gid = st.st_gid;
  attr.size = static_cast<uint64_t>(st.st_size);
  attr.rdev_major = major(st.st_rdev);
  attr.rdev_minor = minor(st.st_rdev);
  attr.mtime = {st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
  if (epoch && attr.mtime.sec >= *epoch) attr.mtime = {*epoch, 0};
  return attr;
}

// Which mount an object is in. Not st_dev: btrfs gives every subvolume its own.
Sys<uint64_t> MountOf(sys::At at) {
  struct statx stx {};
  if (::statx(at.fd, at.name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID,
              &stx) != 0) {
    return FailErrno();
  }
  if ((stx.stx_mask & STATX_MNT_ID) != 0) return stx.stx_mnt_id;
  return uint64_t{stx.stx_dev_major} << 32 | stx.stx_dev_minor;
}

}  // namespace

tl::unexpected<Error> DirectorySource::Failed(Errno e) const {
  return SourceEntry{path_, {}, {}}.Failed(e);
}

Result<XattrList> DirectorySource::ReadXattrs(sys::At at) const {
  XattrList out;
  const Sys<std::vector<std::string>> names = sys::ListXattr(at);
  if (!names) {
    if (names.error().code == ENOTSUP) return out;
    return Failed(names.error());
  }
  for (const std::string& name : *names) {
    Sys<std::string> value = sys::GetXattr(at, name.c_str());
    // Gone meanwhile, or listed for others than us.
    if (!value && (value.error().code == ENODATA || value.error().code == EPERM)) continue;
    if (!value) return Failed(value.error());
    out.emplace_back(name, *std::move(value));
  }
  return ArchivedXattrs(std::move(out));
}

Result<void> DirectorySource::Enter(Fd fd, const struct stat& st) {
  Level level;
  level.device = st.st_dev;
  level.ino = st.st_ino;
  level.path_size = path_.size();
  const Sys<void> read = sys::ReadDir(
      fd.get(), [&](const sys::Dirent& entry) { level.names.emplace_back(entry.name); });
  if (!read) return Failed(read.error());
  std::sort(level.names.begin(), level.names.end(), std::greater<>());
  level.fd = std::move(fd);
  levels_.push_back(std::move(level));
  if (levels_.size() > kOpenLevels) levels_[levels_.size() - kOpenLevels].fd.Reset();
  return {};
}

Result<void> DirectorySource::Leave() {
  Level done = std::move(levels_.back());
  levels_.pop_back();
  if (levels_.empty() || levels_.back().fd) return {};
  Level& parent = levels_.back();
  path_.resize(parent.path_size);
  Sys<Fd> fd = sys::Open({done.fd.get(), ".."}, O_RDONLY | O_DIRECTORY);
  if (!fd) return Failed(fd.error());
  const Sys<struct stat> st = sys::Stat({fd->get()});
  if (!st) return Failed(st.error());
  if (st->st_dev != parent.device || st->st_ino != parent.ino) return Failed(Errno{ESTALE});
  parent.fd = *std::move(fd);
  return {};
}

Result<SourceEntry> DirectorySource::EntryOf(sys::At at, const struct stat& st) const {
  SourceEntry entry{path_, AttrOf(st, epoch_), {}};
  VENEER_TRY(entry.xattrs, ReadXattrs(at));
  if (entry.attr.type != FileType::kDirectory && st.st_nlink > 1) {
    entry.key.emplace(st.st_dev, st.st_ino);
  }
  if (entry.attr.type != FileType::kSymlink) return entry;
  Sys<std::string> target = sys::ReadLink(at);
  if (!target) return Failed(target.error());
  entry.target = *std::move(target);
  return entry;
}

Result<void> DirectorySource::Run(EntrySink& sink) {
  VENEER_TRY_CTX(Fd fd, sys::Open({root_}, O_RDONLY | O_DIRECTORY), "open");
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), "stat");
  VENEER_TRY_CTX(mount_, MountOf({fd.get()}), "stat");
  VENEER_TRY(const SourceEntry entry, EntryOf({fd.get()}, st));
  VENEER_TRY_VOID(sink.Add(entry, [] { return std::nullopt; }));
  VENEER_TRY_VOID(Enter(std::move(fd), st));
  while (!levels_.empty()) {
    Level& level = levels_.back();
    path_.resize(level.path_size);
    if (level.names.empty()) {
      VENEER_TRY_VOID(Leave());
      continue;
    }
    const std::string name = std::move(level.names.back());
    level.names.pop_back();
    if (!path_.empty()) path_ += '/';
    path_ += name;
    if (IsReservedInLayers(name)) {
      if (++reserved_ == 1) first_reserved_ = path_;
      continue;
    }
    VENEER_TRY_VOID(AddObject(name.c_str(), sink));
  }
  WarnOfReserved();
  return {};
}

void DirectorySource::WarnOfReserved() const {
  if (reserved_ == 0) return;
  LogWarning(std::to_string(reserved_) + (reserved_ == 1 ? " name is" : " names are") +
             " left out, since .wh. in front means a deletion in an image layer: \"/" +
             PrintablePath(first_reserved_) + (reserved_ == 1 ? "\"" : "\", ..."));
}

Result<void> DirectorySource::AddObject(const char* name, EntrySink& sink) {
  const sys::At at{levels_.back().fd.get(), name};
  const Sys<struct stat> st = sys::Stat(at);
  // Removed since the directory was read.
  if (!st && st.error().code == ENOENT) return {};
  if (!st) return Failed(st.error());
  Result<SourceEntry> read = EntryOf(at, *st);
  if (!read && read.error().code() == ENOENT) return {};
  VENEER_TRY(const SourceEntry entry, std::move(read));
  VENEER_TRY_VOID(sink.Add(entry, [&]() -> Result<std::optional<SourceContent>> {
    // Not blocked by a fifo that took the file's place.
    Sys<Fd> fd = sys::Open(at, O_RDONLY | O_NONBLOCK);
    if (!fd && fd.error().code == ENOENT) return std::nullopt;
    if (!fd) return Failed(fd.error());
    return SourceContent{{*std::move(fd), {}, {}}};
  }));
  if (entry.attr.type != FileType::kDirectory) return {};
  const Sys<uint64_t> mount = MountOf(at);
  if (!mount) return Failed(mount.error());
  // What is mounted here is another file system's: /proc in a tree somebody was chrooted into.
  if (*mount != mount_) return {};
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_DIRECTORY);
  if (!fd) return Failed(fd.error());
  return Enter(*std::move(fd), *st);
}

}  // namespace veneer
