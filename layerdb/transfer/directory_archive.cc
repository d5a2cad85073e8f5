// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/directory_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/tar_stream.h"

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

class Archiver {
 public:
  Archiver(std::optional<int64_t> epoch, TarSink sink, std::vector<ArchivedSocket>* sockets)
      : epoch_(epoch), stream_(sink), sockets_(sockets) {}

  Result<void> Run(int root);

 private:
  struct Level {
    Fd fd;
    dev_t device = 0;
    ino_t ino = 0;
    std::vector<std::string> names;  // descending: the next one is the last
    size_t path_size = 0;            // of path_, of this directory
  };

  tl::unexpected<Error> InPath(Errno e) const {
    return MakeError(e, "\"" + PrintablePath(path_) + "\"");
  }
  Result<void> Enter(Fd fd, const struct stat& st);
  Result<void> Leave();
  Result<void> Object(const char* name);
  Result<void> File(sys::At at, TarOutput* entry, const std::optional<TarLinkKey>& key);
  Result<XattrList> Xattrs(sys::At at);

  const std::optional<int64_t> epoch_;
  TarStream stream_;
  std::vector<ArchivedSocket>* const sockets_;
  uint64_t mount_ = 0;
  std::vector<Level> levels_;
  std::string path_;     // of the present object, from the root
  size_t reserved_ = 0;  // names that no image layer can hold
  std::string first_reserved_;
};

Result<XattrList> Archiver::Xattrs(sys::At at) {
  XattrList out;
  const Sys<std::vector<std::string>> names = sys::ListXattr(at);
  if (!names) {
    if (names.error().code == ENOTSUP) return out;
    return InPath(names.error());
  }
  for (const std::string& name : *names) {
    if (IsHostXattr(name)) continue;
    Sys<std::string> value = sys::GetXattr(at, name.c_str());
    // Gone meanwhile, or listed for others than us.
    if (!value && (value.error().code == ENODATA || value.error().code == EPERM)) continue;
    if (!value) return InPath(value.error());
    out.emplace_back(name, *std::move(value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> Archiver::Enter(Fd fd, const struct stat& st) {
  Level level;
  level.device = st.st_dev;
  level.ino = st.st_ino;
  level.path_size = path_.size();
  const Sys<void> read = sys::ReadDir(
      fd.get(), [&](const sys::Dirent& entry) { level.names.emplace_back(entry.name); });
  if (!read) return InPath(read.error());
  std::sort(level.names.begin(), level.names.end(), std::greater<>());
  level.fd = std::move(fd);
  levels_.push_back(std::move(level));
  if (levels_.size() > kOpenLevels) levels_[levels_.size() - kOpenLevels].fd.Reset();
  return {};
}

Result<void> Archiver::Leave() {
  Level done = std::move(levels_.back());
  levels_.pop_back();
  if (levels_.empty() || levels_.back().fd) return {};
  Level& parent = levels_.back();
  path_.resize(parent.path_size);
  Sys<Fd> fd = sys::Open({done.fd.get(), ".."}, O_RDONLY | O_DIRECTORY);
  if (!fd) return InPath(fd.error());
  const Sys<struct stat> st = sys::Stat({fd->get()});
  if (!st) return InPath(st.error());
  if (st->st_dev != parent.device || st->st_ino != parent.ino) return InPath(Errno{ESTALE});
  parent.fd = *std::move(fd);
  return {};
}

Result<void> Archiver::Run(int root) {
  VENEER_TRY_CTX(Fd fd, sys::Open({root}, O_RDONLY | O_DIRECTORY), "open");
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), "stat");
  VENEER_TRY_CTX(mount_, MountOf({fd.get()}), "stat");
  VENEER_TRY(const XattrList xattrs, Xattrs({fd.get()}));
  TarOutput entry;
  entry.attr = AttrOf(st, epoch_);
  entry.xattrs = &xattrs;
  VENEER_TRY_VOID(stream_.Entry(entry));
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
    VENEER_TRY_VOID(Object(name.c_str()));
  }
  if (reserved_ > 0) {
    LogWarning(std::to_string(reserved_) + (reserved_ == 1 ? " name is" : " names are") +
               " left out, since .wh. in front means a deletion in an image layer: \"/" +
               PrintablePath(first_reserved_) + (reserved_ == 1 ? "\"" : "\", ..."));
  }
  VENEER_TRY_VOID(stream_.Finish());
  return {};
}

Result<void> Archiver::Object(const char* name) {
  const sys::At at{levels_.back().fd.get(), name};
  const Sys<struct stat> st = sys::Stat(at);
  // Removed since the directory was read.
  if (!st && st.error().code == ENOENT) return {};
  if (!st) return InPath(st.error());
  TarOutput entry;
  entry.path = path_;
  entry.attr = AttrOf(*st, epoch_);
  const FileType type = entry.attr.type;
  VENEER_TRY(const XattrList xattrs, Xattrs(at));
  entry.xattrs = &xattrs;
  if (type == FileType::kSocket) {
    sockets_->push_back({path_, entry.attr, xattrs});
    return {};
  }
  std::optional<TarLinkKey> key;
  if (type != FileType::kDirectory && st->st_nlink > 1) key.emplace(st->st_dev, st->st_ino);
  VENEER_TRY(const bool linked, stream_.HardLink(entry, key));
  if (linked) return {};
  if (type == FileType::kRegular) return File(at, &entry, key);
  std::string target;
  if (type == FileType::kSymlink) {
    Sys<std::string> read = sys::ReadLink(at);
    if (!read) return InPath(read.error());
    target = *std::move(read);
    entry.link = target;
  }
  VENEER_TRY_VOID(stream_.Entry(entry, key));
  if (type != FileType::kDirectory) return {};
  const Sys<uint64_t> mount = MountOf(at);
  if (!mount) return InPath(mount.error());
  // What is mounted here is another file system's: /proc in a tree somebody was chrooted into.
  if (*mount != mount_) return {};
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_DIRECTORY);
  if (!fd) return InPath(fd.error());
  return Enter(*std::move(fd), *st);
}

Result<void> Archiver::File(sys::At at, TarOutput* entry, const std::optional<TarLinkKey>& key) {
  // Not blocked by a fifo that took the file's place.
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_NONBLOCK);
  if (!fd) return InPath(fd.error());
  Result<std::optional<std::vector<SparseExtent>>> sparse =
      SparseExtentsOf(fd->get(), entry->attr.size);
  if (!sparse) return tl::unexpected(std::move(sparse).error().Context(PrintablePath(path_)));
  if (*sparse) entry->sparse = &**sparse;
  return stream_.File(*entry, key, [&](uint64_t offset, std::span<char> out) -> Result<void> {
    const Sys<size_t> got = sys::ReadAt(fd->get(), out.data(), out.size(), offset);
    if (!got) return InPath(got.error());
    // Cut short meanwhile: the header has said how much there is.
    std::fill(out.begin() + static_cast<ptrdiff_t>(*got), out.end(), '\0');
    return {};
  });
}

}  // namespace

Result<void> ArchiveDirectory(int fd, std::optional<int64_t> epoch, TarSink sink,
                              std::vector<ArchivedSocket>* sockets) {
  return Archiver(epoch, sink, sockets).Run(fd);
}

}  // namespace veneer
