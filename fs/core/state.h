// SPDX-License-Identifier: Apache-2.0
//
// UnionFs::State: what the verbs of UnionFs share. The verbs are in the .cc files named after them;
// the steps that several of them take are here.
//
// A function whose name ends in Locked wants State::names held, shared or exclusive.
#ifndef VENEER_FS_CORE_STATE_H_
#define VENEER_FS_CORE_STATE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "fs/core/copy_times.h"
#include "fs/core/counters.h"
#include "fs/core/locks.h"
#include "fs/core/node.h"
#include "fs/core/node_table.h"
#include "fs/core/union_fs.h"
#include "fs/upper/upper.h"
#include "layerdb/base/fd_cache.h"

namespace veneer {

// Origin::ino of objects that were made in the upper; those of layers lie below.
inline constexpr uint64_t kUpperInoBit = uint64_t{1} << 62;

// An object of the upper, held so that system calls can use it.
struct UpperPlace {
  SharedFd fd;
  std::string name;
  sys::At at() const { return {fd->get(), name.c_str()}; }
};

struct UnionFs::State {
  State(std::shared_ptr<const Layer> l, std::unique_ptr<Upper> u, const UnionOptions& o);

  const std::shared_ptr<const Layer> lower;
  const std::unique_ptr<Upper> upper;  // null: read-only
  const UnionOptions options;

  // Every request that goes by names holds this shared for as long as it does; rename holds it
  // exclusively. No data is copied under it, except small files.
  std::shared_mutex names;
  BusyNodes busy;
  // By the number of a file with several names: held while one of them becomes a node, so that they all become the same.
  MutexByNumber linked_files;
  CopyTimes copy_times;
  Counters counters;
  PlaceLocks places;
  const size_t fd_limit;   // RLIMIT_NOFILE
  const size_t fd_budget;  // the most that `fds` keeps
  FdCache fds;
  // How many are pinned; shared with them, which may outlive this.
  const std::shared_ptr<std::atomic<size_t>> pinned_fds = std::make_shared<std::atomic<size_t>>(0);
  std::atomic<size_t> fd_pressure{0};  // how much was taken from the caches for them, in steps
  NodeTable nodes;
  NodeRef root;
  SharedFd upper_root;

  void BeforeBlocking() const {
    if (options.before_blocking != nullptr) options.before_blocking();
  }

  // Before that many bytes are copied. Of few the caller's thread pool is not told: waking another thread takes longer than
  // copying them, and should the disk be slow, it finds out by itself.
  void BeforeCopying(uint64_t size) const {
    constexpr uint64_t kFew = 256 << 10;
    if (size > kFew) BeforeBlocking();
  }

  // --- nodes (resolve.cc) ---
  // ESTALE for a node that is not known.
  Sys<NodeRef> Get(NodeId id);
  // The directory that a node is in; null: the root, or nothing leads to it. Takes the place lock itself.
  NodeRef ParentLocked(const Node& node);
  // The same, and ENOTDIR for what is no directory.
  Sys<NodeRef> GetDir(NodeId id);
  // An O_PATH descriptor of a directory that is in the upper.
  Sys<SharedFd> UpperDirLocked(const Node& dir);
  // Where a node is in the upper. Wants the place lock too. ESTALE when no name leads there.
  Sys<UpperPlace> UpperPlaceLocked(const Node& node);
  // The path of the lower part of a node, from the root of the lower tree, without a leading slash.
  std::string LowerPathLocked(const Node& node) const;
  Sys<std::optional<LayerObject>> FindLowerPath(std::string_view path) const;

  // --- names of a directory (names.cc). The directory's mutex is held ---
  Sys<void> LoadLocked(Node& dir);
  // Whether the directory shows no names. Takes a look at those that only a look can tell from a whiteout.
  Sys<bool> IsEmptyLocked(const NodeRef& dir);
  // The node of a visible child, with one reference for the kernel; its attributes too where `attr`
  // is given. ENOENT: it turned out to be a whiteout, and is not visible any more.
  Sys<NodeRef> ChildNodeLocked(const NodeRef& dir, DirTable::Child& child, Attr* attr);
  Sys<NodeRef> NodeFromUpperLocked(const NodeRef& dir, DirTable::Child& child, Attr* attr);
  Sys<NodeRef> NodeFromLowerLocked(const NodeRef& dir, DirTable::Child& child, Attr* attr);
  void AddName(Node& node, const NodeRef& dir, std::string_view name);
  // Fills a new node in from an object of the upper.
  void SetUpper(Node& node, const UpperObject& object);
  void SetLower(Node& node, const LayerObject& object) const;

  // --- attributes (attributes.cc) ---
  Sys<Attr> AttrLocked(const Node& node);
  // What the union says differently from the upper file system.
  Attr Adjust(const Node& node, Attr attr) const;

  // A mode without what AttrChange::kill_privileges takes away.
  static uint32_t WithoutPrivileges(uint32_t mode, uint32_t gid, const GroupTest* groups);
  // The same done to an object, with its file capabilities.
  Sys<void> DropPrivileges(sys::At at, const GroupTest* groups) const;

  // --- copy-up (copy_up.cc) ---
  // Brings the attributes of a node (and its parents) into the upper. EROFS without an upper.
  Sys<void> CopyUpMetaLocked(const NodeRef& node);
  // Brings the contents too. `truncate`: only so much of them, and that is the file's size then. EINTR: the caller was killed.
  Sys<void> CopyUpData(const NodeRef& node, std::optional<uint64_t> truncate = std::nullopt);
  // Wants the place lock too.
  bool IsNamelessLocked(const Node& node) const;
  Sys<void> CopyUpWholeLocked(const NodeRef& node, uint64_t data_limit,
                              std::optional<uint64_t> truncate);
  struct Copy;
  Sys<Copy> DescribeCopy(const Node& node, uint64_t data_limit, std::optional<uint64_t> truncate);
  void CountCopy(const Copy& copy);
  Sys<void> CopyUpLarge(const NodeRef& node, std::optional<uint64_t> truncate,
                        const BusyNodes::Guard& guard);
  // The caller has been killed, and nobody else waits for what it is at.
  bool GivenUp(const BusyNodes::Guard& guard) const;
  Sys<void> PublishCopyLocked(const NodeRef& node, Upper::Staged& staged, bool with_data);
  Sys<void> CopyContents(const NodeRef& node, std::optional<uint64_t> truncate,
                         const BusyNodes::Guard& guard);
  void MarkInUpper(Node& parent, std::string_view name);

  // --- open files (contents.cc) ---
  struct DataFd {
    SharedFd fd;             // null: the contents are `bytes`
    std::string_view bytes;  // live as long as the lower layer and `keep`
    std::shared_ptr<const std::string> keep;
    std::optional<uint64_t> known_size = std::nullopt;  // Layer::KnownSize() of `fd`
    bool append_only = false;  // `fd` writes at the end of the file, whatever the offset
  };
  Sys<DataFd> OpenData(const NodeRef& node, bool write);
  enum FdKind : unsigned { kDirectoryFd = 0, kLowerData = 1, kUpperRead = 2, kUpperWrite = 3 };
  static uint64_t FdKey(NodeId id, FdKind kind) { return id * 4 + kind; }
  SharedFd CachedFd(NodeId id, FdKind kind);
  // The pinned object of `node`, open for that.
  Sys<DataFd> OpenPinnedLocked(Node& node, bool write);

  // --- descriptors (descriptors.cc) ---
  // Closes those that are cached for a node.
  void DropFds(const Node& node);
  // Lets `node` keep a descriptor of its upper object, which no name will lead to. Wants the place lock, exclusive.
  void PinLocked(Node& node, SharedFd fd, Node::Rare::Use use);
  // The same with the best one that is cached, or a new one of `where`.
  Sys<void> PinCachedLocked(Node& node, sys::At where);
  // Takes descriptors from the caches when the pinned ones need them, and gives them back.
  void BalanceFds();

  // --- making and removing (make.cc, remove.cc) ---
  Sys<std::optional<std::string>> DefaultAclLocked(Node& dir);
  Sys<Entry> MakeLocked(const NodeRef& dir, std::string_view name, NewObject object,
                        const Caller& caller);
  // Completes a new object in `dir` with its owner, mode (umask, ACL, set-group-ID) and ACL xattrs.
  // Returns the mode to make it in place with, where owner, ACL and group bit then come by
  // themselves; nullopt where not.
  Sys<std::optional<uint32_t>> InheritLocked(const NodeRef& dir, NewObject& object,
                                             const Caller& caller);
  // After the name went away on disk: the node forgets it. Nothing that fails then brings the name back, so that is logged
  // and no error.
  void ForgetNameLocked(Node& node, const NodeRef& dir, std::string_view name);
  // Before the last name of a node goes: keeps the upper object reachable.
  Sys<void> PinIfLastLocked(Node& node, const NodeRef& dir, std::string_view name);
  // One name more of a multiply linked lower file, and one fewer.
  Sys<void> CountUpLocked(const Node& node);
  void CountDownLocked(const Node& node);
  static Sys<void> CheckName(std::string_view name);

  // --- renaming (rename.cc) ---
  struct RenameSide;
  Sys<RenameSide> RenameSideLocked(const NodeRef& dir, std::string_view name);
  Sys<void> GiveEntryLocked(const RenameSide& side);
  Sys<void> PrepareMoveLocked(RenameSide& side, const RenameSide& to);
  Sys<void> ReplaceLocked(RenameSide& from, RenameSide& to);
  Sys<void> ExchangeLocked(RenameSide& from, RenameSide& to);
  static void MoveName(Node& node, const NodeName& from, const NodeName& to);
};

// A kernel reference for the time of a request.
class ScopedReference {
 public:
  ScopedReference(NodeTable& nodes, NodeRef node) : nodes_(&nodes), node_(std::move(node)) {}
  ScopedReference(ScopedReference&& other) noexcept = default;
  ScopedReference& operator=(ScopedReference&&) = delete;
  ~ScopedReference() {
    if (node_) nodes_->Release(node_->id, 1);
  }
  const NodeRef& node() const { return node_; }

 private:
  NodeTable* nodes_;
  NodeRef node_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_STATE_H_
