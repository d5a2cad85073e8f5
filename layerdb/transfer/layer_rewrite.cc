// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_rewrite.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

namespace {

class Rewriter {
 public:
  Rewriter(const IndexedLayer& layer, const Cancellation* cancel, TarSink sink)
      : layer_(layer), cancel_(cancel), stream_(sink) {}

  Result<void> Run() {
    std::vector<PathNode> todo;
    todo.push_back({"", layer_.Root(), false});
    while (!todo.empty()) {
      const PathNode node = std::move(todo.back());
      todo.pop_back();
      VENEER_TRY_VOID(Cancellation::Check(cancel_));
      VENEER_TRY_VOID(WriteNode(node));
      if (node.object.attr.type != FileType::kDirectory) continue;
      const size_t before = todo.size();
      VENEER_TRY_VOID(Children(node, &todo));
      std::reverse(todo.begin() + static_cast<ptrdiff_t>(before), todo.end());
    }
    VENEER_TRY_VOID(stream_.Finish());
    return {};
  }

 private:
  struct PathNode {
    std::string path;
    LayerObject object;
    bool needs_entry = false;  // without one, a reader would make another directory
  };

  tl::unexpected<Error> InPath(const std::string& path, Errno e) const {
    return MakeError(e, "\"/" + PrintablePath(path) + "\"");
  }

  Result<void> Children(const PathNode& node, std::vector<PathNode>* out) {
    struct Name {
      std::string text;
      bool whiteout;
      uint64_t hint;
    };
    std::vector<Name> names;
    const Sys<void> listed = layer_.List(node.object.ref, [&](const LayerDirent& entry) {
      names.push_back({std::string(entry.name), entry.whiteout, entry.hint});
    });
    if (!listed) return InPath(node.path, listed.error());
    for (const Name& name : names) {
      std::string path = node.path.empty() ? name.text : node.path + "/" + name.text;
      if (name.whiteout) {
        VENEER_TRY_VOID(stream_.Mark(WhiteoutPath(path)));
        continue;
      }
      auto object = layer_.Lookup(node.object.ref, name.text, name.hint);
      if (!object) return InPath(path, object.error());
      if (!*object) continue;
      // The bit is inherited (tree_builder.h), and directories come before what is in them here.
      const bool inherits = (node.object.attr.mode & kSetGroupId & ~(*object)->attr.mode) != 0;
      out->push_back({std::move(path), **std::move(object), inherits});
    }
    return {};
  }

  Result<void> WriteNode(const PathNode& node) {
    const LayerObject& object = node.object;
    if (!object.marks.implied || node.needs_entry) VENEER_TRY_VOID(Object(node));
    if (!object.marks.opaque) return {};
    return stream_.Mark(OpaquePath(node.path));
  }

  Result<void> Object(const PathNode& node) {
    const LayerObject& object = node.object;
    TarOutput entry;
    entry.path = node.path;
    entry.attr = object.attr;
    Sys<XattrList> xattrs = layer_.ListXattrs(object.ref);
    if (!xattrs) return InPath(node.path, xattrs.error());
    std::erase_if(*xattrs, [](const Xattr& xattr) { return IsHostXattr(xattr.first); });
    std::sort(xattrs->begin(), xattrs->end());
    entry.xattrs = &*xattrs;
    std::optional<TarLinkKey> key;
    if (object.attr.type != FileType::kDirectory && object.attr.nlink > 1) {
      key.emplace(0, object.attr.ino);
    }
    VENEER_TRY(const bool linked, stream_.HardLink(entry, key));
    if (linked) return {};
    if (object.attr.type == FileType::kRegular && object.attr.size > 0) {
      return File(node, entry, key);
    }
    std::string target;
    if (object.attr.type == FileType::kSymlink) {
      Sys<std::string> read = layer_.ReadLink(object.ref);
      if (!read) return InPath(node.path, read.error());
      target = *std::move(read);
      entry.link = target;
    }
    return stream_.Entry(entry, key);
  }

  Result<void> File(const PathNode& node, TarOutput& entry, const std::optional<TarLinkKey>& key) {
    const Sys<Content> content = layer_.Open(node.object.ref);
    if (!content) return InPath(node.path, content.error());
    std::optional<std::vector<SparseExtent>> sparse;
    if (content->fd) {
      VENEER_TRY(sparse, SparseExtentsOf(content->fd.get(), entry.attr.size));
    }
    if (sparse) entry.sparse = &*sparse;
    return stream_.File(entry, key, [&](uint64_t offset, std::span<char> out) -> Result<void> {
      VENEER_TRY_VOID(Cancellation::Check(cancel_));
      if (!content->fd) {
        if (content->bytes.size() < offset + out.size()) return InPath(node.path, Errno{EIO});
        std::copy_n(content->bytes.begin() + static_cast<ptrdiff_t>(offset), out.size(),
                    out.begin());
        return {};
      }
      const Sys<size_t> got = sys::ReadAt(content->fd.get(), out.data(), out.size(), offset);
      if (!got) return InPath(node.path, got.error());
      return *got == out.size() ? Result<void>() : InPath(node.path, Errno{EIO});
    });
  }

  const IndexedLayer& layer_;
  const Cancellation* const cancel_;
  TarStream stream_;
};

}  // namespace

Result<void> RewriteLayer(const IndexedLayer& layer, const Cancellation* cancel, TarSink sink) {
  return Rewriter(layer, cancel, sink).Run();
}

}  // namespace veneer
