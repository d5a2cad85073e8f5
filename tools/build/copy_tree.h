// SPDX-License-Identifier: Apache-2.0
//
// CopyTree: the layer of one COPY, ADD or WORKDIR before it is written: what is put into a tree of
// which most stays as it is. The tree below is read where the paths lead and nowhere else.
//
// As a source of entries it gives what was put, and each directory above with all its attributes,
// as a commit does (transfer/commit.h).
#ifndef VENEER_TOOLS_BUILD_COPY_TREE_H_
#define VENEER_TOOLS_BUILD_COPY_TREE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"
#include "tools/build/source_tree.h"

namespace veneer {

// Attributes of directories that are made where a path has none.
struct NewDirectory {
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0755;
  Timestamp time;
};

// An object that is put into the tree.
struct PutObject {
  Attr attr;
  // Where contents, xattrs and a symlink's target are; null: `bytes` are the contents.
  SourceTree* tree = nullptr;
  LayerRef ref;
  std::shared_ptr<const std::string> bytes = {};
  // The same for all names of one file of one source.
  std::optional<TarLinkKey> key = {};
};

// What becomes of an object that is in the way of one of another type.
enum class OtherType {
  kRefuse,   // COPY: BuildKit's "cannot copy to non-directory"
  kReplace,  // an archive: the last entry of a name counts
};

class CopyTree final : public EntrySource {
 public:
  struct Node;
  // A name in a directory of the tree, symlinks in the way followed.
  struct Target {
    Node* directory = nullptr;
    std::string name;        // empty: the directory itself is meant, the root
    Node* object = nullptr;  // what is there; null: nothing
  };

  // `below`: the tree that is copied into, null for an empty one; outlives this. `cancel` may be
  // null. `epoch`: SOURCE_DATE_EPOCH; times after it are clamped to it in the entries.
  CopyTree(SourceTree* below, const Cancellation* cancel,
           std::optional<int64_t> epoch = std::nullopt);
  ~CopyTree() override;
  CopyTree(const CopyTree&) = delete;
  CopyTree& operator=(const CopyTree&) = delete;

  // The directory `path`, which is made with those above it where it is missing. A symlink is
  // followed, a dangling one to the name that it gives. Error: something else is there.
  Result<Node*> Directory(std::string_view path, const NewDirectory& made);
  // Where a file of this path lies: the last component is followed like the others, so that a file
  // is written through a symlink (E16, E17 of Docker's builders). Directories above are made.
  Result<Target> Locate(std::string_view path, const NewDirectory& made);
  // The child of a directory; null: there is none.
  Result<Node*> Child(Node* directory, const std::string& name);

  // Puts an object that is no directory.
  Result<void> PutFile(Node* directory, const std::string& name, PutObject object,
                       OtherType other_type);
  // Puts a directory. What is in one that is there already stays; it gets the new attributes.
  Result<Node*> PutDirectory(Node* directory, const std::string& name, PutObject object,
                             OtherType other_type);

  static bool IsDirectory(const Node& node);
  // The path from the root, with a slash in front.
  static std::string PathOf(const Node& node);

  // Another number for each source, for PutObject::key.
  uint64_t NewSource() { return ++sources_; }

  // Adds to `hash` all that was put but its times: what the cache of a build knows it by.
  Result<void> Describe(Sha256Stream* hash);
  // False: nothing was put, so that the layer is empty.
  bool changed() const;

  Result<void> Run(EntrySink& sink) override;

 private:
  Node* Make(Node* directory, const std::string& name, const NewDirectory& made);
  Result<std::string> LinkTarget(const Node& node) const;
  Result<SourceEntry> EntryOf(const Node& node) const;
  Node* New(Node* directory, const std::string& name);
  // The nodes on the way to all that was put, in the order of an archive.
  Result<void> Visit(FunctionRef<Result<void>(const Node&)> visit) const;
  Result<void> GiveNode(const Node& node, EntrySink& sink);
  Result<void> HashContents();
  Result<std::string> ContentKeyOf(const Node& node, const SourceEntry& entry);
  Result<void> DescribeNode(const Node& node, uint64_t link, Sha256Stream* hash);

  SourceTree* const below_;
  const Cancellation* const cancel_;
  const std::optional<int64_t> epoch_;
  uint64_t sources_ = 0;
  // A tree may be deeper than a stack: no node owns another.
  std::vector<std::unique_ptr<Node>> nodes_;
  Node* const root_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_COPY_TREE_H_
