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
#include "layerdb/base/zeros.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/writer.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;
constexpr uint64_t kZeroBlock = 4096;
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
      : epoch_(epoch), sink_(sink), sockets_(sockets), buffer_(kReadSize, '\0') {}

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
  Result<void> File(sys::At at, TarOutput* entry);
  Result<XattrList> Xattrs(sys::At at);

  const std::optional<int64_t> epoch_;
  TarSink sink_;
  std::vector<ArchivedSocket>* const sockets_;
  std::string buffer_;
  uint64_t mount_ = 0;
  std::vector<Level> levels_;
  std::string path_;  // of the present object, from the root
  InheritedAcls acls_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
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
  entry.xattrs = acls_.Undo(entry);
  VENEER_TRY_VOID(sink_(EncodeTarEntry(entry)));
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
  return sink_(TarEndMark());
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
  if (type != FileType::kDirectory && type != FileType::kSocket && st->st_nlink > 1) {
    const auto [first, fresh] = linked_.try_emplace({st->st_dev, st->st_ino}, path_);
    if (!fresh) {
      entry.hard_link = true;
      entry.link = first->second;
      return sink_(EncodeTarEntry(entry));
    }
  }
  entry.xattrs = acls_.Undo(entry);
  if (type == FileType::kSocket) {
    sockets_->push_back({path_, entry.attr, xattrs});
    return {};
  }
  if (type == FileType::kRegular) return File(at, &entry);
  std::string target;
  if (type == FileType::kSymlink) {
    Sys<std::string> read = sys::ReadLink(at);
    if (!read) return InPath(read.error());
    target = *std::move(read);
    entry.link = target;
  }
  VENEER_TRY_VOID(sink_(EncodeTarEntry(entry)));
  if (type != FileType::kDirectory) return {};
  const Sys<uint64_t> mount = MountOf(at);
  if (!mount) return InPath(mount.error());
  // What is mounted here is another file system's: /proc in a tree somebody was chrooted into.
  if (*mount != mount_) return {};
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_DIRECTORY);
  if (!fd) return InPath(fd.error());
  return Enter(*std::move(fd), *st);
}

Result<void> Archiver::File(sys::At at, TarOutput* entry) {
  // Not blocked by a fifo that took the file's place.
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_NONBLOCK);
  if (!fd) return InPath(fd.error());
  const uint64_t size = entry->attr.size;
  std::vector<SparseExtent> extents;
  bool sparse = false;
  if (size >= kMinHoles) {
    Result<std::vector<SparseExtent>> zeros = FindZeroRuns(fd->get(), size);
    if (!zeros) return tl::unexpected(std::move(zeros).error().Context(PrintablePath(path_)));
    extents = DataExtents(*zeros, size, &sparse);
  }
  if (sparse) {
    entry->sparse = &extents;
  } else if (size > 0) {
    extents = {{0, size}};
  }
  VENEER_TRY_VOID(sink_(EncodeTarEntry(*entry)));
  uint64_t total = 0;
  for (const SparseExtent& extent : extents) {
    total += extent.size;
    for (uint64_t done = 0; done < extent.size;) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(buffer_.size(), extent.size - done));
      Sys<size_t> got = sys::ReadAt(fd->get(), buffer_.data(), want, extent.offset + done);
      if (!got) return InPath(got.error());
      if (*got == 0) {
        // Cut short meanwhile: the header has said how much there is.
        std::fill_n(buffer_.begin(), want, '\0');
        got = want;
      }
      VENEER_TRY_VOID(sink_({buffer_.data(), *got}));
      done += *got;
    }
  }
  return sink_(std::string(TarPadding(total), '\0'));
}

}  // namespace

Result<std::vector<SparseExtent>> FindZeroRuns(int fd, uint64_t size) {
  std::vector<SparseExtent> runs;
  std::string buffer(kReadSize, '\0');
  uint64_t zeros_from = 0;  // the zeros that end at `at` begin here
  uint64_t at = 0;
  auto end_run = [&](uint64_t end) {
    if (end - zeros_from >= kSparseRun) runs.push_back({zeros_from, end - zeros_from});
  };
  while (at < size) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    if (data > 0) {
      // Runs are counted in whole blocks of the file.
      const uint64_t skip = static_cast<uint64_t>(data) / kZeroBlock * kZeroBlock;
      if (skip >= size) break;
      at = std::max(at, skip);
    }
    const auto want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), size - at));
    VENEER_TRY_CTX(const size_t got, sys::ReadAt(fd, buffer.data(), want, at), "read");
    if (got == 0) break;
    for (size_t i = 0; i < got; i += kZeroBlock) {
      const size_t piece = std::min<size_t>(kZeroBlock, got - i);
      if (IsZero({buffer.data() + i, piece})) continue;
      end_run(at + i);
      zeros_from = at + i + piece;
    }
    at += got;
  }
  end_run(size);
  return runs;
}

Result<void> ArchiveDirectory(int fd, std::optional<int64_t> epoch, TarSink sink,
                              std::vector<ArchivedSocket>* sockets) {
  return Archiver(epoch, sink, sockets).Run(fd);
}

}  // namespace veneer
