// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/directory_sink.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "layerdb/base/stepped_copy.h"
#include "layerdb/base/walk.h"
#include "layerdb/index/records.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/objects/content_hash.h"

namespace veneer {

namespace {

// Directories that stay open on the way down, as in DirectorySource.
constexpr size_t kOpenSinkLevels = 64;

constexpr uint32_t kSetIds = 06000;

// What a system says of an owner, an attribute or a device that it lets this caller not have.
bool IsRefusal(Errno e) {
  return e.code == EPERM || e.code == EACCES || e.code == EINVAL || e.code == EOPNOTSUPP;
}

// A file has as many names as it can have, a mount lies between, or somebody took it away: what it
// would have been a name of is copied.
bool CannotBeLinked(Errno e) {
  return e.code == EMLINK || e.code == EXDEV || e.code == ENOENT || e.code == ENOTDIR ||
         e.code == ELOOP || IsRefusal(e);
}

// `inner` is `outer`, or in it.
bool IsWithin(std::string_view inner, std::string_view outer) {
  return outer.empty() || inner == outer ||
         (inner.starts_with(outer) && inner[outer.size()] == '/');
}

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

DirectorySink::DirectorySink(int directory, const DirectorySinkOptions& options)
    : directory_(directory), options_(options) {}

tl::unexpected<Error> DirectorySink::Failed(std::string_view path, Errno e) {
  return SourceEntry{std::string(path), {}, {}}.Failed(e);
}

// The root is open from the first call on.
Result<void> DirectorySink::Begin() {
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  if (!levels_.empty()) return {};
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    return Failed("", Errno{errno});
  }
  temporary_stem_ = ".veneer-" + std::to_string(number) + "-";
  Sys<Fd> fd = sys::Open({directory_}, O_RDONLY | O_DIRECTORY);
  if (!fd) return Failed("", fd.error());
  return Push(*std::move(fd), std::nullopt);
}

Result<void> DirectorySink::Push(Fd fd, std::optional<SourceEntry> entry) {
  const Sys<struct stat> st = sys::Stat({fd.get()});
  if (!st) return Failed(path_, st.error());
  levels_.push_back({std::move(fd), st->st_dev, st->st_ino, path_.size(), std::move(entry)});
  if (levels_.size() > kOpenSinkLevels) levels_[levels_.size() - kOpenSinkLevels].fd.Reset();
  return {};
}

Result<void> DirectorySink::Leave() {
  const Level done = std::move(levels_.back());
  levels_.pop_back();
  if (!levels_.empty() && !levels_.back().fd) {
    // Whoever moves directories meanwhile does not lead this elsewhere.
    Level& parent = levels_.back();
    Sys<Fd> fd = sys::Open({done.fd.get(), ".."}, O_RDONLY | O_DIRECTORY);
    if (!fd) return Failed(path_, fd.error());
    const Sys<struct stat> st = sys::Stat({fd->get()});
    if (!st) return Failed(path_, st.error());
    if (st->st_dev != parent.device || st->st_ino != parent.ino) {
      return Failed(path_, Errno{ESTALE});
    }
    parent.fd = *std::move(fd);
  }
  if (done.entry) VENEER_TRY_VOID(SetAttributes(*done.entry, {done.fd.get()}));
  path_.resize(levels_.empty() ? 0 : levels_.back().path_size);
  return {};
}

Result<std::string> DirectorySink::GoTo(std::string_view path) {
  VENEER_TRY_VOID(Begin());
  const std::string_view parent = ParentOf(path);
  while (!IsWithin(parent, path_)) VENEER_TRY_VOID(Leave());
  // Directories that no entry describes.
  while (path_.size() < parent.size()) {
    const size_t begin = path_.empty() ? 0 : path_.size() + 1;
    VENEER_TRY_VOID(
        Enter(std::string(parent.substr(begin, parent.find('/', begin) - begin)), std::nullopt));
  }
  std::string name(path.substr(parent.empty() ? 0 : parent.size() + 1));
  if (!IsValidName(name)) return Failed(path, Errno{EINVAL});
  return name;
}

// A directory that is there stays, with what is in it.
Sys<Fd> DirectorySink::MakeDirectory(sys::At at) {
  Sys<void> made = sys::MakeDir(at, 0700);
  if (!made && made.error().code == EEXIST) {
    VENEER_TRY(const struct stat st, sys::Stat(at));
    made = {};
    if (!S_ISDIR(st.st_mode)) {
      VENEER_TRY_VOID(sys::Unlink(at));
      made = sys::MakeDir(at, 0700);
    } else if (::geteuid() != 0 && (st.st_mode & S_IRWXU) != S_IRWXU) {
      // What an image keeps from its owner, too.
      VENEER_TRY_VOID(sys::Chmod(at, (st.st_mode & 07777) | S_IRWXU));
    }
  }
  VENEER_TRY_VOID(made);
  return sys::Open(at, O_RDONLY | O_DIRECTORY);
}

Result<void> DirectorySink::Enter(const std::string& name, std::optional<SourceEntry> entry) {
  const std::string path = path_.empty() ? name : path_ + "/" + name;
  if (!IsValidName(name)) return Failed(path, Errno{EINVAL});
  Sys<Fd> fd = MakeDirectory({levels_.back().fd.get(), name.c_str()});
  if (!fd) return Failed(path, fd.error());
  path_ = path;
  return Push(*std::move(fd), std::move(entry));
}

Result<void> DirectorySink::Add(const SourceEntry& entry, OpenContent open_content) {
  VENEER_TRY_VOID(Begin());
  if (entry.path.empty()) {
    if (options_.root && entry.attr.type == FileType::kDirectory) levels_.front().entry = entry;
    return {};
  }
  VENEER_TRY(const std::string name, GoTo(entry.path));
  if (entry.attr.type == FileType::kDirectory) return Enter(name, entry);
  const std::string temporary = temporary_stem_ + std::to_string(++temporaries_);
  Result<bool> made = Make(entry, open_content, temporary.c_str());
  Result<void> done = made ? Result<void>() : tl::unexpected(std::move(made).error());
  if (done && *made) done = Place(entry, temporary.c_str(), name);
  if (done) return {};
  IgnoreError(sys::Unlink({levels_.back().fd.get(), temporary.c_str()}), "the failure is told");
  return done;
}

// Gives what was made its name. What is there goes.
Result<void> DirectorySink::Place(const SourceEntry& entry, const char* temporary,
                                  const std::string& name) {
  const sys::At from{levels_.back().fd.get(), temporary};
  const sys::At to{levels_.back().fd.get(), name.c_str()};
  Sys<void> moved = sys::Rename(from, to, 0);
  if (!moved && moved.error().code == EISDIR) {
    VENEER_TRY_CTX_VOID(RemoveTree(to), entry.Shown());
    moved = sys::Rename(from, to, 0);
  }
  if (!moved) return entry.Failed(moved.error());
  // Two names of one file are left alone by rename(2).
  if (entry.key) IgnoreError(sys::Unlink(from), "it is gone, as a rule");
  return {};
}

Result<bool> DirectorySink::Make(const SourceEntry& entry, OpenContent open_content,
                                 const char* temporary) {
  const sys::At at{levels_.back().fd.get(), temporary};
  if (entry.key) {
    const auto first = first_names_.find(*entry.key);
    if (first != first_names_.end()) {
      VENEER_TRY(const bool linked, MakeLink(entry, first->second, temporary));
      if (linked) return true;
    }
  }
  VENEER_TRY(const bool made, entry.attr.type == FileType::kRegular
                                  ? MakeFile(entry, open_content, temporary)
                                  : MakeNode(entry, temporary));
  if (!made || !entry.key) return made;
  VENEER_TRY_CTX(const struct stat st, sys::Stat(at), entry.Shown());
  first_names_.insert_or_assign(*entry.key, FirstName{entry.path, st.st_dev, st.st_ino});
  return true;
}

Result<bool> DirectorySink::MakeNode(const SourceEntry& entry, const char* temporary) {
  const sys::At at{levels_.back().fd.get(), temporary};
  const FileType type = entry.attr.type;
  if (type == FileType::kSymlink) {
    VENEER_TRY_CTX_VOID(sys::Symlink(entry.target.c_str(), at), entry.Shown());
  } else {
    const bool device = type == FileType::kCharDevice || type == FileType::kBlockDevice;
    const dev_t number = device ? makedev(entry.attr.rdev_major, entry.attr.rdev_minor) : 0;
    const Sys<void> made = sys::MakeNode(at, TypeBits(type) | 0600, number);
    if (!made && device && IsRefusal(made.error())) {
      if (++losses_.devices == 1) losses_.first_device = entry.path;
      return false;
    }
    VENEER_TRY_CTX_VOID(made, entry.Shown());
  }
  VENEER_TRY_VOID(SetAttributes(entry, at));
  return true;
}

Result<bool> DirectorySink::MakeFile(const SourceEntry& entry, OpenContent open_content,
                                     const char* temporary) {
  std::optional<SourceContent> content;
  if (entry.attr.size > 0) {
    VENEER_TRY(content, open_content());
    if (!content) return false;
  }
  VENEER_TRY_CTX(const Fd fd,
                 sys::Open({levels_.back().fd.get(), temporary}, O_RDWR | O_CREAT | O_EXCL, 0600),
                 entry.Shown());
  if (content) VENEER_TRY_VOID(Write(entry, *content, fd.get()));
  VENEER_TRY_VOID(SetAttributes(entry, {fd.get()}));
  return true;
}

Result<void> DirectorySink::Write(const SourceEntry& entry, const SourceContent& source,
                                  int fd) const {
  if (source.fd() < 0) {
    if (source.content.bytes.size() != entry.attr.size) return source.Failed(entry, Errno{EIO});
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd, source.content.bytes, 0), entry.Shown());
    return {};
  }
  uint64_t size = entry.attr.size;
  if (!source.stored) {
    // A file that changes meanwhile is as long as it is now.
    VENEER_TRY_CTX(const struct stat st, sys::Stat({source.fd()}), entry.Shown());
    size = static_cast<uint64_t>(st.st_size);
  }
  const Sys<void> copied = sys::CopyDataUnless(source.fd(), fd, size, [this] {
    return options_.cancel != nullptr && options_.cancel->requested();
  });
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  if (!copied && source.stored && copied.error().code == EIO) {
    return source.Failed(entry, Errno{EIO});
  }
  VENEER_TRY_CTX_VOID(copied, entry.Shown());
  if (!source.object) return {};
  VENEER_TRY_CTX(const Hash128 hash, HashContentOf(source.fd()), entry.Shown());
  if (hash != source.object->hash)
    return entry.Damaged(*source.object, "has other contents than its name says");
  return {};
}

Sys<Fd> DirectorySink::OpenDirectoryOf(const std::string& path, std::string* name) const {
  const std::string_view parent = ParentOf(path);
  *name = path.substr(parent.empty() ? 0 : parent.size() + 1);
  VENEER_TRY(Fd fd, sys::Open({directory_}, O_PATH | O_DIRECTORY));
  for (size_t begin = 0; begin < parent.size();) {
    const size_t end = std::min(parent.find('/', begin), parent.size());
    const std::string one(parent.substr(begin, end - begin));
    VENEER_TRY(fd, sys::Open({fd.get(), one.c_str()}, O_PATH | O_DIRECTORY));
    begin = end + 1;
  }
  return fd;
}

Result<bool> DirectorySink::MakeLink(const SourceEntry& entry, const FirstName& first,
                                     const char* temporary) {
  const sys::At at{levels_.back().fd.get(), temporary};
  const auto make_link = [&]() -> Sys<void> {
    std::string name;
    VENEER_TRY(const Fd directory, OpenDirectoryOf(first.path, &name));
    return sys::Link({directory.get(), name.c_str()}, at);
  };
  const Sys<void> linked = make_link();
  if (!linked && !CannotBeLinked(linked.error())) return entry.Failed(linked.error());
  if (!linked) return false;
  VENEER_TRY_CTX(const struct stat st, sys::Stat(at), entry.Shown());
  if (st.st_dev == first.device && st.st_ino == first.ino) return true;
  // Somebody has put another file there.
  VENEER_TRY_CTX_VOID(sys::Unlink(at), entry.Shown());
  return false;
}

// Last of all the mode: who may not write to a file may not set its attributes either.
Result<void> DirectorySink::SetAttributes(const SourceEntry& entry, sys::At at) {
  bool owned = false;
  if (options_.owners) {
    const Sys<void> given = sys::Chown(at, entry.attr.uid, entry.attr.gid);
    if (!given && !IsRefusal(given.error())) {
      return MakeError(given.error(), entry.Shown());
    }
    owned = given.has_value();
  }
  VENEER_TRY_VOID(SetXattrs(entry, at, owned));
  if (entry.attr.type != FileType::kSymlink) {
    const uint32_t mode = owned ? entry.attr.mode : entry.attr.mode & ~kSetIds;
    VENEER_TRY_CTX_VOID(sys::Chmod(at, mode), entry.Shown());
  }
  const timespec times[2] = {{0, UTIME_OMIT},
                             {entry.attr.mtime.sec, static_cast<long>(entry.attr.mtime.nsec)}};
  VENEER_TRY_CTX_VOID(sys::SetTimes(at, times), entry.Shown());
  return {};
}

Result<void> DirectorySink::SetXattrs(const SourceEntry& entry, sys::At at, bool owned) {
  bool lost = false;
  for (const auto& [name, value] : entry.xattrs) {
    if (!CanHaveXattr(entry.attr.type, name)) continue;
    if (!owned && !name.starts_with("user.")) {
      lost = true;
      continue;
    }
    const Sys<void> set = sys::SetXattr(at, name.c_str(), value, 0);
    if (!set && !IsRefusal(set.error())) return MakeError(set.error(), entry.Shown());
    lost = lost || !set;
  }
  if (lost && ++losses_.xattrs == 1) losses_.first_xattr = entry.path;
  return {};
}

Result<void> DirectorySink::Whiteout(std::string_view path) {
  VENEER_TRY(const std::string name, GoTo(path));
  const Sys<uint64_t> removed = RemoveTree(sys::At{levels_.back().fd.get(), name.c_str()});
  return removed ? Result<void>() : Failed(path, removed.error());
}

Result<void> DirectorySink::Opaque(std::string_view path) {
  VENEER_TRY_VOID(Begin());
  if (path != path_) {
    VENEER_TRY(const std::string name, GoTo(path));
    VENEER_TRY_VOID(Enter(name, std::nullopt));
  }
  const Sys<uint64_t> removed = RemoveContents(levels_.back().fd.get());
  return removed ? Result<void>() : Failed(path, removed.error());
}

Result<DirectorySinkLosses> DirectorySink::Finish() {
  VENEER_TRY_VOID(Begin());
  while (!levels_.empty()) VENEER_TRY_VOID(Leave());
  return losses_;
}

}  // namespace veneer
