// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/containers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "layerdb/base/durable.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/index/kv.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/dialect.h"
#include "layerdb/store/catalog_records.h"
#include "layerdb/store/images.h"
#include "layerdb/store/lease.h"
#include "layerdb/store/session.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

constexpr size_t kMaxContainerName = 64;

bool IsContainerName(std::string_view name) {
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMaxContainerName && is_alnum(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

tl::unexpected<Error> NotAName(std::string_view name) {
  return MakeError("\"" + std::string(name) +
                       "\" is not a container name: letters, digits and _ . -, at most 64, "
                       "beginning with a letter or digit",
                   ExitCode::kUsage);
}

tl::unexpected<Error> Taken(std::string_view name) {
  return tl::unexpected(
      Error("there is a container " + std::string(name) + " already", ExitCode::kInUse)
          .Because(Reason::kNameTaken));
}

tl::unexpected<Error> DamagedRecord(std::string_view name) {
  return DamageError("catalog record of container " + std::string(name) + " is damaged");
}

Result<ContainerRecord> GetIn(const KvTxn& txn, std::string_view name) {
  VENEER_TRY(const auto value, txn.Get(ContainerKey(name)));
  if (value) {
    std::optional<ContainerRecord> record = DecodeContainer(name, *value);
    if (!record) return DamagedRecord(name);
    return std::move(*record);
  }
  return MakeError("no such container: " + std::string(name), ExitCode::kNotFound);
}

// False where this process may not give it that owner, or it has no id in this user namespace or file system.
Sys<bool> GiveOwner(sys::At at, const Attr& attr) {
  const Sys<void> given = sys::Chown(at, attr.uid, attr.gid);
  if (given) return true;
  const int code = given.error().code;
  if (code == EPERM || code == EINVAL || code == EOVERFLOW) return false;
  return tl::unexpected(given.error());
}

// The root of a mount looks as its upper directory does, so that must look like the image's. False where it does not quite,
// as its owner or mode could not be given.
Result<bool> LikeRootOf(const std::string& tree, const std::string& upper) {
  VENEER_TRY(const std::shared_ptr<IndexReader> index, IndexReader::Open(tree));
  const EntryView root = index->Root().entry;
  const Attr attr = root.attr();
  const Fd directory(open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return MakeError(Errno{errno}, upper);
  const sys::At at{directory.get()};
  // Where that fails, the mount says why.
  const TreeNotation notation = BecomeUpper(at).value_or(TreeNotation());
  root.ForEachXattr([&](std::string_view name, std::string_view value) {
    // What looks like a mark of ours is an image's data, and must not become a mark of the upper.
    IgnoreError(sys::SetXattr(at, EscapeXattr(name, notation.privates).c_str(), value, 0),
                "an ordinary user may set few of them");
  });
  VENEER_TRY_CTX(const bool owned, GiveOwner(at, attr), upper);
  // The owner's rights are needed to work in it at all.
  const mode_t mode = owned && geteuid() == 0 ? attr.mode : attr.mode | S_IRWXU;
  VENEER_TRY_CTX_VOID(sys::Chmod(at, mode), upper);
  const timespec times[2] = {{attr.atime.sec, attr.atime.nsec}, {attr.mtime.sec, attr.mtime.nsec}};
  VENEER_TRY_CTX_VOID(sys::SetTimes(at, times), upper);
  return owned && mode == attr.mode;
}

// Says what LikeRootOf() could not do (StoreLayout::foreign_root). It belongs to whom the root belongs to.
Result<void> NoteForeignRoot(const std::string& container, const std::string& upper) {
  const std::string path = container + "/foreign-root";
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  struct stat st;
  if (!fd || stat(upper.c_str(), &st) != 0 || fchown(fd.get(), st.st_uid, st.st_gid) != 0) {
    return MakeError(Errno{errno}, path);
  }
  return {};
}

// The directory of a new container, durable with all that it holds.
Result<void> MakeDirectories(const std::string& container, const std::string& tree) {
  const std::string upper = container + "/upper";
  const std::string work = container + "/work";
  for (const std::string& dir : {container, upper, work}) {
    if (mkdir(dir.c_str(), 0700) != 0) return MakeError(Errno{errno}, dir);
  }
  VENEER_TRY(const bool alike, LikeRootOf(tree, upper));
  if (!alike) VENEER_TRY_VOID(NoteForeignRoot(container, upper));
  for (const std::string& dir : {upper, work, container}) VENEER_TRY_VOID(SyncPath(dir));
  return {};
}

// Nobody asks for it before the container shows. A power cut ends every owner, so it need not be durable.
Result<Fd> MakeOwner(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return MakeError(Errno{errno}, path);
  return fd;
}

// In a container's directory while it is being renamed: its old name.
std::string RenameNote(const std::string& container) { return container + "/renamed-from"; }

// Makes the place of a new container free. A directory without a record is what a crash left, or a container whose
// renaming was.
Result<void> ClearPlace(const StoreLayout& layout, const KvTxn& txn, const std::string& name,
                        const std::string& trash) {
  RestoreRenamed(layout, txn, name);
  const std::string target = layout.container(name);
  if (IsLeased(layout.work(name))) {
    return MakeError(target + " has no container any more, but is still in use", ExitCode::kInUse);
  }
  const std::string old = trash + "/left-over";
  if (rename(target.c_str(), old.c_str()) != 0 && errno != ENOENT) {
    return MakeError(Errno{errno}, target);
  }
  return {};
}

Result<void> WriteNote(const std::string& container, std::string_view name) {
  const std::string path = RenameNote(container);
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return MakeError(Errno{errno}, path);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), name, 0), path);
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), true), path);
  return SyncPath(container);
}

// Ends what a killed rename has left half done, anywhere. True when there was something.
bool RestoreAll(Store& store) {
  bool restored = false;
  const StoreLayout& layout = store.layout();
  std::vector<std::string> names;
  const Fd fd(open(layout.containers().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return false;
  const Sys<void> read =
      sys::ReadDir(fd.get(), [&](const sys::Dirent& entry) { names.emplace_back(entry.name); });
  if (!read) return false;
  const Result<void> done = store.catalog().Write([&](KvTxn& txn) -> Result<void> {
    for (const std::string& name : names) restored |= RestoreRenamed(layout, txn, name);
    return {};
  });
  return done && restored;
}

// Gives a container that has lost its directory an empty one. Whatever else has its name goes: in the store it is nobody's.
Result<void> ReplaceLost(Store& store, std::string_view name) {
  const std::string path = store.layout().container(name);
  return store.catalog().Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(GetIn(txn, name));
    struct stat st;
    if (stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return MakeError(Errno{errno}, path);
    if (mkdir(path.c_str(), 0700) != 0) return MakeError(Errno{errno}, path);
    return {};
  });
}

Timestamp Now() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec, static_cast<uint32_t>(now.tv_nsec)};
}

}  // namespace

bool RestoreRenamed(const StoreLayout& layout, const KvTxn& txn, const std::string& directory) {
  const std::string path = layout.container(directory);
  const Fd fd(open(RenameNote(path).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return false;
  std::string name(kMaxContainerName + 1, '\0');
  const Sys<size_t> n = sys::ReadAt(fd.get(), name.data(), name.size(), 0);
  name.resize(n.value_or(0));
  if (!IsContainerName(name) || !IsContainerName(directory)) return false;
  const auto there = txn.Get(ContainerKey(directory));
  const auto old = txn.Get(ContainerKey(name));
  if (!there || *there || !old || !*old) return false;
  const std::string before = layout.container(name);
  if (renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, before.c_str(), RENAME_NOREPLACE) != 0) {
    return false;
  }
  unlink(RenameNote(before).c_str());
  return true;
}

Result<ContainerRecord> Containers::Create(const ContainerSpec& spec) {
  return Make(spec, nullptr);
}

Result<OwnedContainer> Containers::CreateOwned(const ContainerSpec& spec) {
  Fd owner;
  VENEER_TRY(ContainerRecord record, Make(spec, &owner));
  return OwnedContainer{std::move(record), std::move(owner)};
}

// `owner`: gets the lease of an owner; null: there is none.
Result<ContainerRecord> Containers::Make(const ContainerSpec& spec, Fd* owner) {
  if (!IsContainerName(spec.name)) return NotAName(spec.name);
  VENEER_TRY(const std::unique_ptr<WriteSession> session, store_.Begin());
  VENEER_TRY(const FoundImage found, store_.images().Find(spec.image_id.ToString()));
  const ImageRecord& image = found.image;
  VENEER_TRY(const std::string tree, store_.EnsureTree(image.diff_ids));

  const std::string staged = session->dir() + "/container";
  VENEER_TRY_VOID(MakeDirectories(staged, tree));
  if (owner != nullptr) {
    VENEER_TRY(*owner, MakeOwner(staged + "/owner"));
  }

  ContainerRecord record{spec.name,       image.id, image.diff_ids,      image.chain_id,
                         spec.image_name, Now(),    spec.remove_on_exit, spec.config,
                         std::nullopt,    false};
  const StoreLayout& layout = store_.layout();
  bool moved = false;  // the body may run twice
  VENEER_TRY_VOID(store_.catalog().Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto taken, txn.Get(ContainerKey(record.name)));
    if (taken) return Taken(record.name);
    // The image may have been removed since it was found.
    VENEER_TRY(const auto image_there, txn.Get(ImageKey(image.id)));
    if (!image_there) {
      return MakeError("no such image: " + image.id.ToString(), ExitCode::kNotFound);
    }
    if (!moved) {
      const std::string target = layout.container(record.name);
      VENEER_TRY_VOID(ClearPlace(layout, txn, record.name, session->dir()));
      if (rename(staged.c_str(), target.c_str()) != 0) return MakeError(Errno{errno}, target);
      moved = true;
      VENEER_TRY_VOID(SyncPath(layout.containers()));
    }
    return txn.Put(ContainerKey(record.name), EncodeContainer(record));
  }));
  return record;
}

Result<ContainerRecord> Containers::Get(std::string_view name) {
  std::optional<ContainerRecord> record;
  VENEER_TRY_VOID(store_.catalog().Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(record, GetIn(txn, name));
    return {};
  }));
  ReadLeases(store_.layout(), &*record);
  return std::move(*record);
}

Result<std::vector<ContainerRecord>> Containers::List() {
  std::vector<ContainerRecord> list;
  VENEER_TRY_VOID(store_.catalog().Read([&](const KvTxn& txn) -> Result<void> {
    list.clear();
    Result<void> parsed;
    VENEER_TRY_VOID(txn.Scan(kContainerPrefix, [&](std::string_view key, std::string_view value) {
      const std::string_view name = key.substr(kContainerPrefix.size());
      std::optional<ContainerRecord> record = DecodeContainer(name, value);
      if (!record) {
        parsed = DamagedRecord(name);
        return false;
      }
      list.push_back(std::move(*record));
      return true;
    }));
    return parsed;
  }));
  for (ContainerRecord& record : list) ReadLeases(store_.layout(), &record);
  std::stable_sort(
      list.begin(), list.end(),
      [](const ContainerRecord& a, const ContainerRecord& b) { return a.created < b.created; });
  return list;
}

void Containers::EndRenames() { RestoreAll(store_); }

Result<ContainerLock> Containers::Lock(std::string_view name) {
  const std::string path = store_.layout().container(name);
  for (;;) {
    VENEER_TRY_VOID(Get(name));
    Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
      const int code = errno;
      if (code != ENOENT && code != ENOTDIR && code != ELOOP) return MakeError(Errno{code}, path);
      if (!RestoreAll(store_)) VENEER_TRY_VOID(ReplaceLost(store_, name));
      continue;
    }
    while (flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return MakeError(Errno{errno}, "lock " + path);
    }
    // It may have been removed, and made again, while this waited.
    struct stat locked;
    struct stat there;
    if (fstat(fd.get(), &locked) != 0) return MakeError(Errno{errno}, path);
    if (stat(path.c_str(), &there) == 0 && locked.st_ino == there.st_ino) {
      return ContainerLock(std::move(fd));
    }
  }
}

Result<void> Containers::Update(const ContainerRecord& record) {
  return store_.catalog().Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(GetIn(txn, record.name));
    return txn.Put(ContainerKey(record.name), EncodeContainer(record));
  });
}

Result<void> Containers::Rename(std::string_view from, std::string_view to) {
  if (!IsContainerName(to)) return NotAName(to);
  // Keeps prune from looking between the two steps.
  VENEER_TRY(const std::unique_ptr<WriteSession> session, store_.Begin());
  const StoreLayout& layout = store_.layout();
  const std::string old_path = layout.container(from);
  const std::string new_path = layout.container(to);
  bool noted = false;
  bool moved = false;  // the body may run twice
  const auto move = [&](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(GetIn(txn, from));
    VENEER_TRY(const auto taken, txn.Get(ContainerKey(to)));
    if (taken) return Taken(to);
    VENEER_TRY(const auto value, txn.Get(ContainerKey(from)));
    const std::string record(*value);
    if (!moved) {
      VENEER_TRY_VOID(ClearPlace(layout, txn, std::string(to), session->dir()));
      noted = true;
      VENEER_TRY_VOID(WriteNote(old_path, from));
      if (renameat2(AT_FDCWD, old_path.c_str(), AT_FDCWD, new_path.c_str(), RENAME_NOREPLACE) !=
          0) {
        return MakeError(Errno{errno}, old_path);
      }
      moved = true;
      VENEER_TRY_VOID(SyncPath(layout.containers()));
    }
    VENEER_TRY_VOID(txn.Put(ContainerKey(to), record));
    return txn.Erase(ContainerKey(from));
  };
  const Result<void> done = store_.catalog().Write(move);
  // Where this fails too, RestoreRenamed() does it: the note is left.
  const bool back = done || !moved || rename(new_path.c_str(), old_path.c_str()) == 0;
  if (noted && back) unlink(RenameNote(done ? new_path : old_path).c_str());
  return done;
}

}  // namespace veneer
