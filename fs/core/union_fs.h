// SPDX-License-Identifier: Apache-2.0
//
// UnionFs: the mounted tree, one method per file-system verb, over a read-only Layer and an
// optional Upper. It takes and returns values and knows nothing of FUSE, so that nearly all
// semantics are tested without a mount.
//
// The protocol is stateless: reads and writes name a node, never an open file. Everything a node
// knows can be found again from what is on disk, the layers and the upper; nothing depends on an
// earlier request.
//
// Whoever calls keeps the kernel's promises: access is checked before (default_permissions),
// creating, removing and renaming in one directory is serialised by it, and a node is used only
// between the answer that named it and its last Forget.
//
// Thread-safety: all methods may be called from several threads at once. Locking order:
// CONTRIBUTING.md.
#ifndef VENEER_FS_CORE_UNION_FS_H_
#define VENEER_FS_CORE_UNION_FS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/core/counters.h"
#include "fs/core/types.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/layer/layer.h"

namespace veneer {

class Upper;

struct UnionOptions {
  bool acl = true;            // false: POSIX ACLs are not offered, EOPNOTSUPP
  bool static_nlink = false;  // every directory has one link
  InoNumbers numbers = {};    // the lower tree uses the same
  // Called at the start of work that can take long (a copy-up of much data, fsync), so that the
  // caller's thread pool can let another thread serve meanwhile. May be empty.
  void (*before_blocking)() = nullptr;
  // Asked now and then during a long copy: true when whoever waits for the answer to this request
  // has been killed, so that the work may be given up with EINTR. May be empty.
  bool (*given_up)() = nullptr;
  // Upper bound of cached descriptors; 0: a quarter of RLIMIT_NOFILE.
  size_t fd_cache = 0;

  void BeforeBlocking() const {
    if (before_blocking != nullptr) before_blocking();
  }
};

class UnionFs {
 public:
  // `upper` may be null: then every change fails with EROFS.
  UnionFs(std::shared_ptr<const Layer> lower, std::unique_ptr<Upper> upper, UnionOptions options);
  ~UnionFs();
  UnionFs(const UnionFs&) = delete;
  UnionFs& operator=(const UnionFs&) = delete;

  // --- names ---
  // Each Entry with a node carries one kernel reference, given back by Forget().

  // A name that is absent is Entry{kNoNode}, not ENOENT: the kernel may cache it for ever. "." and
  // ".." are never asked for.
  Sys<Entry> Lookup(NodeId parent, std::string_view name);
  // True when those were the last: the kernel does not know the node any more.
  bool Forget(NodeId node, uint64_t references);

  // mknod(2) for all types but directories. EPERM for a character device 0:0: that is a whiteout.
  Sys<Entry> MakeNode(NodeId parent, std::string_view name, uint32_t mode, uint32_t rdev_major,
                      uint32_t rdev_minor, const Caller& caller);
  Sys<Entry> MakeDirectory(NodeId parent, std::string_view name, uint32_t mode,
                           const Caller& caller);
  Sys<Entry> MakeSymlink(NodeId parent, std::string_view name, std::string_view target,
                         const Caller& caller);
  // O_TMPFILE: a regular file without a name, which Link() may name.
  Sys<Entry> MakeTmpFile(NodeId parent, uint32_t mode, const Caller& caller);
  Sys<Entry> Link(NodeId node, NodeId new_parent, std::string_view new_name);
  Sys<void> Unlink(NodeId parent, std::string_view name);
  Sys<void> RemoveDirectory(NodeId parent, std::string_view name);
  // renameat2(2); flags: RENAME_NOREPLACE, RENAME_EXCHANGE. EINVAL for others: the whiteout of
  // RENAME_WHITEOUT could not be seen, and those who ask for one (a union in this one) make theirs
  // by other means then, as on the kernel's overlayfs.
  Sys<void> Rename(NodeId parent, std::string_view name, NodeId new_parent,
                   std::string_view new_name, unsigned flags);

  // --- attributes ---
  Sys<Attr> GetAttr(NodeId node);
  Sys<Attr> SetAttr(NodeId node, const AttrChange& change);
  // When the object was made, which is when it was copied up for one that was; none where that is
  // not known.
  Sys<std::optional<Timestamp>> BirthTime(NodeId node);
  // True once for a node that was copied up after BirthTime() was asked.
  bool HasNewBirthTime(NodeId node);
  Sys<std::string> ReadLink(NodeId node);
  // The names that say something of a layer or of the upper stand for xattrs of the caller's own
  // (Upper::SetXattr).
  Sys<std::string> GetXattr(NodeId node, const std::string& name);
  // The names, each followed by a NUL, as listxattr(2) returns them.
  Sys<std::string> ListXattr(NodeId node);
  // flags: XATTR_CREATE, XATTR_REPLACE.
  Sys<void> SetXattr(NodeId node, const std::string& name, std::string_view value, int flags);
  Sys<void> RemoveXattr(NodeId node, const std::string& name);
  // FS_IOC_GETFLAGS / FS_IOC_SETFLAGS (chattr); ENOTTY where the object's file system has none.
  Sys<uint32_t> GetFlags(NodeId node);
  Sys<void> SetFlags(NodeId node, uint32_t flags);

  // --- contents ---
  Sys<ReadResult> Read(NodeId node, uint64_t offset, size_t size);
  // `kill_privileges`: drop set-user-ID, set-group-ID and file capabilities first
  // (FUSE_WRITE_KILL_SUIDGID). `groups`: as in AttrChange.
  Sys<size_t> Write(NodeId node, uint64_t offset, std::string_view data, bool kill_privileges,
                    const GroupTest* groups = nullptr);
  // fallocate(2) with its mode bits.
  Sys<void> Allocate(NodeId node, int mode, uint64_t offset, uint64_t length);
  // whence: SEEK_DATA or SEEK_HOLE.
  Sys<uint64_t> Seek(NodeId node, uint64_t offset, int whence);
  Sys<size_t> CopyRange(NodeId from, uint64_t from_offset, NodeId to, uint64_t to_offset,
                        size_t size);
  // fdatasync(2) with `data_only`, else fsync(2); see sync_due.h.
  Sys<void> Sync(NodeId node, bool data_only);
  // Before somebody may write and sync the file of the upper without a request: makes durable that
  // the contents of `node` were copied up, unless they were made here or that is long done.
  Sys<void> SyncCopyUp(NodeId node);
  // open(2) with `flags` of the file in the upper that holds the contents of `node`; an empty Fd
  // while they are those of a layer. They never go back there.
  Sys<Fd> OpenUpperContents(NodeId node, int flags);

  // --- directories ---
  // Gives entries after `cookie` (0: from the start, with "." and ".." first) until `sink` returns
  // false: that entry did not fit and is given again next time.
  Sys<void> ReadDir(NodeId dir, uint64_t cookie, FunctionRef<bool(const DirEntry&)> sink);
  // The same with each entry's node. An entry that the sink took carries one kernel reference, but
  // for "." and "..", which have node kNoNode.
  Sys<void> ReadDirPlus(NodeId dir, uint64_t cookie,
                        FunctionRef<bool(const DirEntry&, const Entry&)> sink);

  // --- the whole ---
  const Counters& counters() const;
  // How many nodes the kernel knows.
  uint64_t NodeCount() const;
  Sys<FsStats> StatFs();
  // Makes everything written so far durable (not with `volatile`). Called on unmount.
  Sys<void> SyncAll();

  // The classes that do the work, put together; parts.h.
  struct Parts;

 private:
  const std::unique_ptr<Parts> parts_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_UNION_FS_H_
