// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/object_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {
namespace {

// Objects are never changed, and are nobody's but the store's.
constexpr mode_t kObjectMode = 0444;
constexpr size_t kCompareBuffer = size_t{256} * 1024;
// Contents that share a hash and are not equal do not happen by chance. A store that holds this
// many was attacked, and more would only make it slow.
constexpr uint32_t kMaxSeq = 1000;

// Up to `size` bytes, less only where the file ends.
Sys<std::string_view> ReadPart(int fd, uint64_t offset, size_t size, std::string* buffer) {
  buffer->resize(size);
  VENEER_TRY(const size_t n, sys::ReadAt(fd, buffer->data(), size, offset));
  return std::string_view(buffer->data(), n);
}

bool HasOneName(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && st.st_nlink == 1;
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.find('/')); }

Sys<bool> SameContent(int fd, std::string_view bytes) {
  struct stat st;
  if (fstat(fd, &st) != 0) return FailErrno();
  if (static_cast<uint64_t>(st.st_size) != bytes.size()) return false;
  std::string buffer;
  for (uint64_t at = 0; at < bytes.size();) {
    const size_t n = std::min<uint64_t>(bytes.size() - at, kCompareBuffer);
    VENEER_TRY(const std::string_view read, ReadPart(fd, at, n, &buffer));
    if (read != bytes.substr(at, n)) return false;
    at += n;
  }
  return true;
}

// The first byte at or after `at` that is not in a hole; `size` when there is none.
Sys<uint64_t> NextData(int fd, uint64_t at, uint64_t size) {
  const off_t data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
  if (data >= 0) return std::min(static_cast<uint64_t>(data), size);
  if (errno == ENXIO) return size;
  if (errno == EINVAL) return at;  // a file system that knows no holes
  return FailErrno();
}

Sys<bool> SameContent(int a, int b) {
  struct stat st_a;
  struct stat st_b;
  if (fstat(a, &st_a) != 0 || fstat(b, &st_b) != 0) return FailErrno();
  if (st_a.st_size != st_b.st_size) return false;
  const auto size = static_cast<uint64_t>(st_a.st_size);
  std::string buffer_a;
  std::string buffer_b;
  uint64_t at = 0;
  while (at < size) {
    // What is a hole in both is equal.
    VENEER_TRY(const uint64_t data_a, NextData(a, at, size));
    VENEER_TRY(const uint64_t data_b, NextData(b, at, size));
    at = std::min(data_a, data_b);
    const size_t n = std::min<uint64_t>(size - at, kCompareBuffer);
    VENEER_TRY(const std::string_view read_a, ReadPart(a, at, n, &buffer_a));
    VENEER_TRY(const std::string_view read_b, ReadPart(b, at, n, &buffer_b));
    if (read_a.size() != n || read_a != read_b) return false;
    at += n;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> ObjectStore::Open(const std::string& dir) {
  VENEER_TRY_CTX(Fd fd, sys::OpenFollowing(dir, O_PATH | O_DIRECTORY), dir);
  return std::unique_ptr<ObjectStore>(new ObjectStore(dir, std::move(fd)));
}

Sys<Fd> ObjectStore::OpenObject(const ObjectRef& ref) const {
  return OpenRegularFile(ObjectPath(ref), dir_.get());
}

Sys<void> ObjectStore::MakeParent(const std::string& path) const {
  const std::string parent = ParentOf(path);
  const sys::At at{dir_.get(), parent.c_str()};
  const auto make = [&]() -> Sys<bool> {
    const Sys<void> made = sys::MakeDir(at, 0700);
    if (made) return true;
    if (made.error().code != EEXIST) return Fail(made.error());
    struct stat st;
    return fstatat(at.fd, at.name, &st, 0) == 0 && S_ISDIR(st.st_mode);
  };
  VENEER_TRY(const bool made, make());
  if (made) return {};
  // Nobody else's names are here, so what is in the way is damage.
  const Sys<void> removed = sys::Unlink(at);
  if (!removed && removed.error().code != ENOENT) return removed;
  VENEER_TRY_VOID(make());
  return {};
}

Sys<void> ObjectStore::WithParent(const std::string& path, FunctionRef<Sys<void>()> make) const {
  Sys<void> made = make();
  if (made || (made.error().code != ENOENT && made.error().code != ENOTDIR)) return made;
  VENEER_TRY_VOID(MakeParent(path));
  return make();
}

Result<ObjectRef> ObjectStore::PlaceObject(
    const Hash128& hash, FunctionRef<Sys<void>(const std::string& path)> place,
    FunctionRef<bool(const ObjectRef& ref, int there)> shared) {
  const MutexLock lock(writing_[hash[0] % writing_.size()]);
  for (ObjectRef ref{hash, 0}; ref.seq <= kMaxSeq; ++ref.seq) {
    const std::string path = ObjectPath(ref);
    const Sys<void> placed = place(path);
    if (placed) return ref;
    if (placed.error().code != EEXIST) return MakeError(placed.error(), path_ + "/" + path);
    const Sys<Fd> there = OpenObject(ref);
    if (!there && (there.error().code == EMFILE || there.error().code == ENFILE)) {
      return MakeError(there.error(), path_ + "/" + path);
    }
    // An object that cannot be read, or is no file, is damaged; this content gets a place of its
    // own.
    if (there && shared(ref, there->get())) return ref;
  }
  return MakeError(path_ + ": too many contents with the hash " + ToHex(hash));
}

Result<ObjectRef> ObjectStore::Put(std::string_view bytes, const Hash128& hash) {
  const auto write = [&](const std::string& path) -> Sys<void> {
    Fd fd;
    VENEER_TRY_VOID(WithParent(path, [&]() -> Sys<void> {
      VENEER_TRY(fd, sys::Open({dir_.get(), path.c_str()}, O_RDWR | O_CREAT | O_EXCL, kObjectMode));
      return {};
    }));
    Sys<void> written = sys::WriteAt(fd.get(), bytes, 0);
    if (!written) {
      IgnoreError(sys::Unlink({dir_.get(), path.c_str()}), "half an object is never taken for it");
    }
    return written;
  };
  return PlaceObject(hash, write, [&](const ObjectRef&, int there) {
    return HasOneName(there) && SameContent(there, bytes).value_or(false);
  });
}

Result<ObjectRef> ObjectStore::Move(int dir_fd, const std::string& name, int fd,
                                    const Hash128& hash) {
  const auto rename = [&](const std::string& path) {
    return WithParent(path, [&] {
      return sys::Rename({dir_fd, name.c_str()}, {dir_.get(), path.c_str()}, RENAME_NOREPLACE);
    });
  };
  bool found = false;
  VENEER_TRY(const ObjectRef ref, PlaceObject(hash, rename, [&](const ObjectRef&, int there) {
               found = HasOneName(there) && SameContent(there, fd).value_or(false);
               return found;
             }));
  if (found) VENEER_TRY_CTX_VOID(sys::Unlink({dir_fd, name.c_str()}), name);
  return ref;
}

Result<ObjectRef> ObjectStore::Link(int fd, const Hash128& hash, std::set<ObjectRef>* own) {
  const auto link = [&](const std::string& path) {
    return WithParent(path, [&] { return sys::Link({fd}, {dir_.get(), path.c_str()}); });
  };
  bool found = false;
  VENEER_TRY(const ObjectRef ref, PlaceObject(hash, link, [&](const ObjectRef& at, int there) {
               found = (own->contains(at) || HasOneName(there)) &&
                       SameContent(there, fd).value_or(false);
               return found;
             }));
  if (!found) own->insert(ref);
  return ref;
}

void ObjectStore::Unlink(const ObjectRef& ref) {
  const Sys<Fd> there = OpenObject(ref);
  if (!there || HasOneName(there->get())) return;
  const std::string path = ObjectPath(ref);
  IgnoreError(sys::Unlink({dir_.get(), path.c_str()}), "prune does the rest");
}

bool ObjectStore::Holds(const ObjectRef& ref, int fd) const {
  const Sys<Fd> there = OpenObject(ref);
  return there && HasOneName(there->get()) && SameContent(there->get(), fd).value_or(false);
}

Result<void> ObjectStore::Replace(const ObjectRef& ref, int dir_fd, const std::string& name) {
  const std::string path = ObjectPath(ref);
  const auto move = [&] {
    return sys::Rename({dir_fd, name.c_str()}, {dir_.get(), path.c_str()}, 0);
  };
  Sys<void> replaced = WithParent(path, move);
  if (!replaced && (replaced.error().code == EISDIR || replaced.error().code == ENOTEMPTY)) {
    VENEER_TRY_CTX_VOID(RemoveTree(path_ + "/" + path), path_ + "/" + path);
    replaced = move();
  }
  if (!replaced) return MakeError(replaced.error(), path_ + "/" + path);
  return {};
}

Result<void> ObjectStore::SyncNames(std::span<const ObjectRef> refs) const {
  // objects/ first: it may have got the directories.
  std::set<std::string> dirs = {"."};
  for (const ObjectRef& ref : refs) dirs.insert(ParentOf(ObjectPath(ref)));
  for (const std::string& name : dirs) {
    VENEER_TRY_CTX(const Fd dir, sys::Open({dir_.get(), name.c_str()}, O_RDONLY | O_DIRECTORY),
                   path_ + "/" + name);
    VENEER_TRY_CTX_VOID(sys::Sync(dir.get(), false), path_ + "/" + name);
  }
  return {};
}

}  // namespace veneer
