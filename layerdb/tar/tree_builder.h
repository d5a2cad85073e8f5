// SPDX-License-Identifier: Apache-2.0
//
// TreeBuilder: the tree that the entries of one image layer make, in memory. It does what
// extracting the archive in an empty directory, inside a chroot, would do, without a disk:
//
//   - the last of several entries with one name counts; of a directory the attributes, and what is
//     in it stays;
//   - missing parents are made (0755, root), and take the attributes of their own entry when it
//     comes;
//   - a parent that is a symlink is followed inside the tree (never above its root); one that is
//     anything else but a directory is replaced by one; a parent that has no entry has the
//     set-group-ID bit of the directory it is in (mkdir(2)) and root's group, as with Docker;
//   - a hard link is to what its target is at that moment; what its target's name becomes later
//     does not matter;
//   - whiteouts and opaque marks say something of the layers below only, wherever in the archive
//     they stand (OCI image-spec layer.md); a whiteout beside an entry makes the directory opaque.
//     They add nothing: a directory that is here only for the marks in it is not there when it is
//     deleted, and stays implied otherwise.
//
// Time is linear in the archive, whatever it holds: a parent is looked up once for entries that
// follow one another, and the steps through symlinks have a budget. About 150 bytes an entry. Not
// thread-safe.
#ifndef VENEER_LAYERDB_TAR_TREE_BUILDER_H_
#define VENEER_LAYERDB_TAR_TREE_BUILDER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "layerdb/tar/names.h"

namespace veneer {

class TreeBuilder {
 public:
  using Node = uint32_t;
  static constexpr Node kNoNode = UINT32_MAX;
  static constexpr uint32_t kNoContent = UINT32_MAX;

  struct Limits {
    uint64_t entries = 20'000'000;        // names made, implied parents included
    uint64_t symlink_steps = 10'000'000;  // components of symlinks walked, in all
    // Of names, targets and extended attributes, those that were replaced included: a small
    // compressed archive may say as much as it likes.
    uint64_t bytes = uint64_t{2} << 30;
  };

  // An object as an entry describes it. attr.ino and attr.nlink are not used.
  struct Object {
    Attr attr;
    std::string target;  // symlink
    XattrList xattrs;
    uint32_t content = kNoContent;  // the caller's number of a regular file's contents
  };

  // `seed` keeps an archive from choosing names that collide; any random number.
  TreeBuilder(const Limits& limits, uint64_t seed);

  // An object at `path`. Returns its node. Errors: the root as anything but a directory; the
  // limits; a loop of symlinks among its parents; xattrs that no file can have (xattr_limits.h).
  Result<Node> Add(const TreePath& path, const Object& object);
  // A further name for what `target` is. Errors: as Add(); no such target, or a directory.
  Result<void> AddHardLink(const TreePath& path, const TreePath& target);
  // Marks. Below what is here no directory they mean nothing, and are left out.
  Result<void> AddWhiteout(const TreePath& path);
  Result<void> MakeOpaque(const TreePath& directory);

  // Sets an extended attribute of a node, whether it is alive or not. Errors: no file can have it.
  Result<void> SetXattr(Node node, std::string_view name, std::string_view value);

  // Counts memory that the caller keeps with the tree. Error: more than Limits::bytes in all.
  Result<void> Charge(uint64_t bytes);
  // True when a place was described twice.
  bool has_repeats() const { return repeats_; }

  // False for a node whose last name was replaced.
  bool IsAlive(Node node) const { return nodes_[node].nlink > 0; }
  // The number that Walk() gives the node. REQUIRES: Walk() has run, IsAlive(node).
  uint64_t InoOf(Node node) const { return inos_[node]; }

  // One name of the finished tree.
  struct Visited {
    uint64_t dir = 0;       // inode number of the directory; 0 for the root
    std::string_view name;  // empty for the root
    bool whiteout = false;  // the rest is not set
    bool opaque = false;
    bool implied = false;  // a directory that no entry describes
    Node node = kNoNode;
    Attr attr;  // ino and nlink set
    std::string_view target;
    const XattrList* xattrs = nullptr;  // never null for an object
    uint32_t content = kNoContent;
  };
  // Every name, the root first; inode numbers are given on the way (the root is 1), such that (dir,
  // name) ascends from call to call. `sink` stops it with an error.
  Result<void> Walk(FunctionRef<Result<void>(const Visited&)> sink);

 private:
  using Name = uint32_t;  // an index into names_
  static constexpr Name kNoName = UINT32_MAX;

  // A name in a directory.
  struct NameRec {
    uint64_t text = 0;  // offset in text_
    Node parent = kNoNode;
    Node node = kNoNode;  // kNoNode: only a whiteout
    Name next = kNoName;
    uint8_t size = 0;
    bool whiteout = false;
  };
  struct NodeRec {
    uint64_t size = 0;
    int64_t mtime = 0;
    uint64_t target = 0;  // offset in text_
    uint32_t mtime_nsec = 0;
    uint32_t uid = 0;
    uint32_t gid = 0;
    uint32_t major = 0;
    uint32_t minor = 0;
    uint32_t nlink = 0;
    uint32_t target_size = 0;
    uint32_t content = kNoContent;
    uint32_t xattrs = 0;         // index into xattrs_
    Name first_child = kNoName;  // directory
    Node parent = kNoNode;       // directory
    uint16_t depth = 0;          // directory
    uint16_t mode = 0;
    FileType type = FileType::kDirectory;
    bool opaque = false;
    bool implied = false;
    bool for_marks = false;  // implied by marks alone, so that its time says nothing yet
  };

  // What becomes of a path of directories that is not all there: what is missing is made, and what
  // is in the way replaced; the same, but nothing is replaced (for a mark); nothing is done.
  enum class Missing { kMake, kMakeForMark, kStop };

  std::string_view Text(uint64_t at, size_t size) const { return {text_.data() + at, size}; }
  std::string_view NameText(Name name) const { return Text(names_[name].text, names_[name].size); }
  size_t SlotOf(Node parent, std::string_view name) const;
  Name Find(Node parent, std::string_view name) const;
  Result<Name> FindOrMake(Node parent, std::string_view name);
  // An entry was for it, not only for something in it.
  bool IsDescribed(Name name) const {
    const Node node = names_[name].node;
    return node != kNoNode && !nodes_[node].implied;
  }
  void Grow();
  void Forget(Name name);
  void Detach(Name name);
  void DropNode(Node node);
  Node NewNode(const Object& object);
  void Describe(Node node, const Object& object);
  Result<Node> MakeImplied(Node parent, Name name, const Timestamp& mtime);
  Result<Node> Resolve(std::span<const std::string_view> path, Missing missing,
                       const Timestamp& mtime);
  Result<Node> ParentOf(const TreePath& path, Missing missing, const Timestamp& mtime);
  std::vector<bool> DirectoriesWithObjects() const;

  const Limits limits_;
  const uint64_t seed_;
  uint64_t made_ = 0;
  uint64_t symlink_steps_ = 0;
  uint64_t bytes_ = 0;
  bool repeats_ = false;

  std::string text_;
  std::vector<NameRec> names_;
  std::vector<NodeRec> nodes_;
  std::vector<XattrList> xattrs_;  // the first is empty
  std::vector<Name> table_;        // open addressing; kNoName: free
  size_t table_used_ = 0;          // slots in use, forgotten names included
  std::vector<uint64_t> inos_;

  // The parent found last. Void when a directory or symlink has been replaced since.
  std::string last_parent_;
  Node last_parent_node_ = kNoNode;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_TREE_BUILDER_H_
