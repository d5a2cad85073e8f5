// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/containers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/lease.h"
#include "layerdb/catalog/records.h"
#include "layerdb/catalog/staging_dir.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/index/kv.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/dialect.h"

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

// False where this process may not give it that owner, or it has no id in this user namespace or
// file system.
Sys<bool> GiveOwner(sys::At at, const Attr& attr) {
  const Sys<void> given = sys::Chown(at, attr.uid, attr.gid);
  if (given) return true;
  const int code = given.error().code;
  if (code == EPERM || code == EINVAL || code == EOVERFLOW) return false;
  return tl::unexpected(given.error());
}

// The root of a mount looks as its upper directory does, so that must look like the image's. False
// where it does not quite, as its owner or mode could not be given.
Result<bool> LikeRootOf(const std::string& tree, const std::string& upper) {
  VENEER_TRY(const std::shared_ptr<IndexReader> index, IndexReader::Open(tree));
  const EntryView root = index->Root().entry;
  const Attr attr = root.attr();
  VENEER_TRY_CTX(const Fd directory, sys::Open(sys::Path(upper), O_PATH | O_DIRECTORY), upper);
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

// Says what LikeRootOf() could not do (StoreLayout::foreign_root). It belongs to whom the root
// belongs to.
Result<void> NoteForeignRoot(const std::string& container, const std::string& upper) {
  const std::string path = container + "/foreign-root";
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(path), O_WRONLY | O_CREAT | O_EXCL, 0600), path);
  VENEER_TRY_CTX(const struct stat st, sys::Stat(sys::Path(upper)), upper);
  VENEER_TRY_CTX_VOID(sys::Chown({fd.get()}, st.st_uid, st.st_gid), path);
  return {};
}

// The directory of a new container, durable with all that it holds.
Result<void> MakeDirectories(const std::string& container, const std::string& tree) {
  const std::string upper = container + "/upper";
  const std::string work = container + "/work";
  for (const std::string& dir : {container, upper, work}) {
    VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(dir), 0700), dir);
  }
  VENEER_TRY(const bool alike, LikeRootOf(tree, upper));
  if (!alike) VENEER_TRY_VOID(NoteForeignRoot(container, upper));
  for (const std::string& dir : {upper, work, container}) VENEER_TRY_VOID(SyncPath(dir));
  return {};
}

// Nobody asks for it before the container shows. A power cut ends every owner, so it need not be
// durable.
Result<Fd> MakeOwner(const std::string& path) {
  VENEER_TRY_CTX(Fd fd, sys::Open(sys::Path(path), O_RDONLY | O_CREAT | O_EXCL, 0600), path);
  VENEER_TRY_CTX_VOID(sys::Lock(fd.get(), LOCK_EX | LOCK_NB), path);
  return fd;
}

// In a container's directory while it is being renamed: its old name.
std::string RenameNote(const std::string& container) { return container + "/renamed-from"; }

// Makes the place of a new container free. A directory without a record is what a crash left, or a
// container whose renaming was.
Result<void> ClearPlace(const StoreLayout& layout, const KvTxn& txn, const std::string& name,
                        const std::string& trash) {
  RestoreRenamed(layout, txn, name);
  const std::string target = layout.container(name);
  if (IsLeased(layout.work(name))) {
    return MakeError(target + " has no container any more, but is still in use", ExitCode::kInUse);
  }
  const std::string old = trash + "/left-over";
  const Sys<void> moved = sys::Rename(sys::Path(target), sys::Path(old), 0);
  if (!moved && moved.error().code != ENOENT) return MakeError(moved.error(), target);
  return {};
}

Result<void> WriteNote(const std::string& container, std::string_view name) {
  const std::string path = RenameNote(container);
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(path), O_WRONLY | O_CREAT | O_TRUNC, 0600), path);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), name, 0), path);
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), true), path);
  return SyncPath(container);
}

Timestamp Now() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec, static_cast<uint32_t>(now.tv_nsec)};
}

}  // namespace

bool RestoreRenamed(const StoreLayout& layout, const KvTxn& txn, const std::string& directory) {
  const std::string path = layout.container(directory);
  const Sys<Fd> fd = sys::Open(sys::Path(RenameNote(path)), O_RDONLY | O_NONBLOCK);
  if (!fd) return false;
  std::string name(kMaxContainerName + 1, '\0');
  const Sys<size_t> n = sys::ReadAt(fd->get(), name.data(), name.size(), 0);
  name.resize(n.value_or(0));
  if (!IsContainerName(name) || !IsContainerName(directory)) return false;
  const auto there = txn.Get(ContainerKey(directory));
  const auto old = txn.Get(ContainerKey(name));
  if (!there || *there || !old || !*old) return false;
  const std::string before = layout.container(name);
  if (!sys::Rename(sys::Path(path), sys::Path(before), RENAME_NOREPLACE)) return false;
  IgnoreError(RemoveFile(RenameNote(before)),
              "a note in a container that has a record says nothing");
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
  VENEER_TRY(const std::unique_ptr<StagingDir> staging, StagingDir::Make(layout_));
  VENEER_TRY(const FoundImage found, images_.Find(spec.image_id.ToString()));
  const ImageRecord& image = found.image;
  const std::vector<Digest> diff_ids = spec.diff_ids.value_or(image.diff_ids);
  VENEER_TRY(const std::string tree, make_tree_(diff_ids));

  const std::string staged = staging->path() + "/container";
  VENEER_TRY_VOID(MakeDirectories(staged, tree));
  if (owner != nullptr) {
    VENEER_TRY(*owner, MakeOwner(staged + "/owner"));
  }

  ContainerRecord record{spec.name,
                         image.id,
                         diff_ids,
                         ChainIdOf(diff_ids),
                         spec.image_name,
                         Now(),
                         spec.remove_on_exit,
                         spec.config,
                         std::nullopt,
                         false};
  bool moved = false;  // the body may run twice
  VENEER_TRY_VOID(catalog_.Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto taken, txn.Get(ContainerKey(record.name)));
    if (taken) return Taken(record.name);
    // The image may have been removed since it was found.
    VENEER_TRY(const auto image_there, txn.Get(ImageKey(image.id)));
    if (!image_there) {
      return MakeError("no such image: " + image.id.ToString(), ExitCode::kNotFound);
    }
    if (!moved) {
      const std::string target = layout_.container(record.name);
      VENEER_TRY_VOID(ClearPlace(layout_, txn, record.name, staging->path()));
      VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(staged), sys::Path(target), 0), target);
      moved = true;
      VENEER_TRY_VOID(SyncPath(layout_.containers()));
    }
    return txn.Put(ContainerKey(record.name), EncodeContainer(record));
  }));
  return record;
}

Result<ContainerRecord> Containers::Get(std::string_view name) {
  std::optional<ContainerRecord> record;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(record, GetIn(txn, name));
    return {};
  }));
  ReadLeases(layout_, &*record);
  return std::move(*record);
}

Result<std::vector<ContainerRecord>> Containers::List() {
  std::vector<ContainerRecord> list;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
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
  for (ContainerRecord& record : list) ReadLeases(layout_, &record);
  std::stable_sort(
      list.begin(), list.end(),
      [](const ContainerRecord& a, const ContainerRecord& b) { return a.created < b.created; });
  return list;
}

bool Containers::RestoreAll() {
  bool restored = false;
  const Sys<std::vector<std::string>> names = NamesIn(layout_.containers());
  if (!names) return false;
  const Result<void> done = catalog_.Write([&](KvTxn& txn) -> Result<void> {
    for (const std::string& name : *names) restored |= RestoreRenamed(layout_, txn, name);
    return {};
  });
  return done && restored;
}

Result<void> Containers::ReplaceLost(std::string_view name) {
  const std::string path = layout_.container(name);
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(GetIn(txn, name));
    struct stat st;
    if (stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    VENEER_TRY_CTX_VOID(RemoveFile(path), path);
    VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(path), 0700), path);
    return {};
  });
}

void Containers::EndRenames() { RestoreAll(); }

Result<ContainerLock> Containers::Lock(std::string_view name) {
  const std::string path = layout_.container(name);
  for (;;) {
    VENEER_TRY_VOID(Get(name));
    Sys<Fd> fd = sys::Open(sys::Path(path), O_RDONLY | O_DIRECTORY);
    if (!fd) {
      const int code = fd.error().code;
      if (code != ENOENT && code != ENOTDIR && code != ELOOP) return MakeError(Errno{code}, path);
      if (!RestoreAll()) VENEER_TRY_VOID(ReplaceLost(name));
      continue;
    }
    VENEER_TRY_CTX_VOID(TakeLock(fd->get(), LockMode::kExclusive, kForever), "lock " + path);
    // It may have been removed, and made again, while this waited.
    VENEER_TRY_CTX(const struct stat locked, sys::Stat({fd->get()}), path);
    const Sys<struct stat> there = sys::Stat(sys::Path(path));
    if (there && locked.st_ino == there->st_ino) return ContainerLock(*std::move(fd));
  }
}

Result<void> Containers::Update(const ContainerRecord& record) {
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(GetIn(txn, record.name));
    return txn.Put(ContainerKey(record.name), EncodeContainer(record));
  });
}

Result<void> Containers::Rename(std::string_view from, std::string_view to) {
  if (!IsContainerName(to)) return NotAName(to);
  // Keeps prune from looking between the two steps.
  VENEER_TRY(const std::unique_ptr<StagingDir> staging, StagingDir::Make(layout_));
  const std::string old_path = layout_.container(from);
  const std::string new_path = layout_.container(to);
  bool noted = false;
  bool moved = false;  // the body may run twice
  const auto move = [&](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(GetIn(txn, from));
    VENEER_TRY(const auto taken, txn.Get(ContainerKey(to)));
    if (taken) return Taken(to);
    VENEER_TRY(const auto value, txn.Get(ContainerKey(from)));
    const std::string record(*value);
    if (!moved) {
      VENEER_TRY_VOID(ClearPlace(layout_, txn, std::string(to), staging->path()));
      noted = true;
      VENEER_TRY_VOID(WriteNote(old_path, from));
      VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(old_path), sys::Path(new_path), RENAME_NOREPLACE),
                          old_path);
      moved = true;
      VENEER_TRY_VOID(SyncPath(layout_.containers()));
    }
    VENEER_TRY_VOID(txn.Put(ContainerKey(to), record));
    return txn.Erase(ContainerKey(from));
  };
  const Result<void> done = catalog_.Write(move);
  // Where this fails too, RestoreRenamed() does it: the note is left.
  const bool back = done || !moved || sys::Rename(sys::Path(new_path), sys::Path(old_path), 0);
  if (noted && back) {
    IgnoreError(RemoveFile(RenameNote(done ? new_path : old_path)),
                "a note in a container that has a record says nothing");
  }
  return done;
}

}  // namespace veneer
