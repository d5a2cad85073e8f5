// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/sys.h"
#include "layerdb/model/layer_rules.h"

namespace veneer {
namespace {

NameKind KindOf(const EntryView& entry) {
  if (entry.whiteout()) return NameKind::kWhiteout;
  if (entry.type() != FileType::kDirectory) return NameKind::kOther;
  return entry.opaque() ? NameKind::kOpaqueDirectory : NameKind::kDirectory;
}

NameKind KindOf(const std::optional<IndexEntry>& entry) {
  if (!entry) return NameKind::kNothing;
  return entry->attr.type == FileType::kDirectory ? NameKind::kDirectory : NameKind::kOther;
}

// What the layer says of an object, as the tree keeps it.
IndexEntry ForTree(const EntryView& entry, uint64_t ino) {
  IndexEntry out = entry.ToEntry();
  out.attr.ino = ino;
  out.opaque = false;
  out.implied = false;
  return out;
}

class Applier {
 public:
  Applier(IndexEditor& tree, const IndexReader& layer)
      : tree_(tree), layer_(layer), base_(tree.next_ino() - 1) {}

  Result<void> Run() {
    VENEER_TRY_VOID(MergeRoot());
    for (size_t i = 0; i < todo_.size(); ++i) {
      Result<void> merged;
      const Sys<void> listed = layer_.List(
          todo_[i].in_layer, [&](std::string_view name, const IndexReader::Record& found) {
            merged = MergeName(i, name, found.entry);
            return merged.has_value();
          });
      VENEER_TRY_VOID(merged);
      if (!listed) return MakeError(listed.error(), layer_.path());
    }
    tree_.SetNextIno(base_ + layer_.summary().next_ino);
    return {};
  }

 private:
  struct Dir {
    uint64_t in_layer;
    uint64_t in_tree;
    bool fresh;  // the tree has nothing there
    // Not in the tree yet: a directory that no entry describes is made for what is in it, and marks
    // alone are nothing.
    std::optional<size_t> waiting = std::nullopt;  // which of waiting_
  };
  struct Waiting {
    size_t parent;  // which of todo_
    std::string name;
    IndexEntry entry;
    bool replaces;  // there is something else of this name
  };

  Result<void> MergeRoot() {
    const EntryView root = layer_.Root().entry;
    if (root.opaque()) {
      std::vector<std::string> names;
      VENEER_TRY_VOID(tree_.List(kIndexRootIno, [&](std::string_view name, const EntryView&) {
        names.emplace_back(name);
      }));
      for (const std::string& name : names) VENEER_TRY_VOID(tree_.Erase(kIndexRootIno, name));
    }
    if (!root.implied()) VENEER_TRY_VOID(tree_.Put(0, "", ForTree(root, kIndexRootIno)));
    todo_.push_back({kIndexRootIno, kIndexRootIno, root.opaque()});
    return {};
  }

  Result<void> MergeName(size_t in, std::string_view name, const EntryView& above) {
    const Dir dir = todo_[in];
    std::optional<IndexEntry> below;
    if (!dir.fresh) {
      VENEER_TRY(below, tree_.Get(dir.in_tree, name));
    }
    switch (DecideMerge(KindOf(above), KindOf(below))) {
      case MergeStep::kKeep: return {};
      case MergeStep::kRemove: return tree_.Erase(dir.in_tree, name);
      case MergeStep::kMerge:
        if (!above.implied()) {
          VENEER_TRY_VOID(tree_.Put(dir.in_tree, name, ForTree(above, below->attr.ino)));
        }
        return Descend({above.ino(), below->attr.ino, false});
      case MergeStep::kReplace: break;
    }
    const uint64_t ino = base_ + above.ino();
    if (ino >= kIndexMaxIno) return MakeError(Errno{EOVERFLOW}, layer_.path());
    IndexEntry entry = ForTree(above, ino);
    if (above.type() == FileType::kDirectory && above.implied()) {
      if (KindOf(below) != NameKind::kDirectory) {
        waiting_.push_back({in, std::string(name), std::move(entry), below.has_value()});
        return Descend({above.ino(), ino, true, waiting_.size() - 1});
      }
      // A mark takes what is in a directory, and leaves itself as it is.
      entry = *below;
      entry.attr.ino = ino;
    }
    VENEER_TRY_VOID(MakeWaiting(in));
    if (below) VENEER_TRY_VOID(tree_.Erase(dir.in_tree, name));
    VENEER_TRY_VOID(tree_.Put(dir.in_tree, name, entry));
    if (above.type() != FileType::kDirectory) return {};
    return Descend({above.ino(), ino, true});
  }

  // Puts a directory into the tree that waits, and those above it that do.
  Result<void> MakeWaiting(size_t directory) {
    std::vector<size_t> chain;
    for (size_t at = directory; todo_[at].waiting; at = waiting_[*todo_[at].waiting].parent) {
      chain.push_back(at);
    }
    for (; !chain.empty(); chain.pop_back()) {
      Dir& dir = todo_[chain.back()];
      const Waiting& made = waiting_[*std::exchange(dir.waiting, std::nullopt)];
      const uint64_t parent = todo_[made.parent].in_tree;
      if (made.replaces) VENEER_TRY_VOID(tree_.Erase(parent, made.name));
      VENEER_TRY_VOID(tree_.Put(parent, made.name, made.entry));
    }
    return {};
  }

  Result<void> Descend(const Dir& dir) {
    // A directory that is met twice is damage, and would keep this going for ever.
    if (todo_.size() > layer_.summary().directories) {
      return MakeError(Errno{EUCLEAN}, "index " + layer_.path());
    }
    todo_.push_back(dir);
    return {};
  }

  IndexEditor& tree_;
  const IndexReader& layer_;
  const uint64_t base_;  // what is added to the layer's inode numbers
  std::vector<Dir> todo_;
  std::vector<Waiting> waiting_;
};

Result<void> CopyFile(const std::string& from, const std::string& to) {
  VENEER_TRY_CTX(const Fd in, sys::Open(sys::Path(from), O_RDONLY), from);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({in.get()}), from);
  VENEER_TRY_CTX(const Fd out, sys::Open(sys::Path(to), O_RDWR | O_CREAT | O_EXCL, 0644), to);
  VENEER_TRY_CTX_VOID(sys::CopyData(in.get(), out.get(), static_cast<uint64_t>(st.st_size)), to);
  return {};
}

Result<void> LinkOrCopy(const std::string& from, const std::string& to) {
  if (sys::Link(sys::Path(from), sys::Path(to))) return {};
  return CopyFile(from, to);
}

Result<void> MakeEmptyTree(const std::string& path) {
  VENEER_TRY(const std::unique_ptr<IndexWriter> writer, IndexWriter::Create(path));
  IndexEntry root;
  root.attr.type = FileType::kDirectory;
  root.attr.mode = 0755;
  root.attr.ino = kIndexRootIno;
  VENEER_TRY_VOID(writer->PutRoot(root));
  VENEER_TRY_VOID(writer->Seal(false));
  return {};
}

}  // namespace

Result<void> ApplyLayer(IndexEditor& tree, const IndexReader& layer) {
  return Applier(tree, layer).Run();
}

Result<void> BuildTree(const std::string& path, const std::string& base,
                       std::span<const std::shared_ptr<IndexReader>> layers) {
  if (!base.empty()) {
    if (layers.empty()) return LinkOrCopy(base, path);
    VENEER_TRY_VOID(CopyFile(base, path));
  } else if (!layers.empty() && layers[0]->is_tree()) {
    if (layers.size() == 1) return LinkOrCopy(layers[0]->path(), path);
    VENEER_TRY_VOID(CopyFile(layers[0]->path(), path));
    layers = layers.subspan(1);
  } else {
    VENEER_TRY_VOID(MakeEmptyTree(path));
  }
  VENEER_TRY(const std::unique_ptr<IndexEditor> tree, IndexEditor::Open(path));
  for (const std::shared_ptr<IndexReader>& layer : layers) {
    VENEER_TRY_VOID(ApplyLayer(*tree, *layer));
  }
  VENEER_TRY_VOID(tree->Seal(false));
  return {};
}

}  // namespace veneer
