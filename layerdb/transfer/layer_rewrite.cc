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
#include "layerdb/transfer/directory_archive.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;

class Rewriter {
 public:
  Rewriter(const IndexedLayer& layer, const Cancellation* cancel, TarSink sink)
      : layer_(layer), cancel_(cancel), sink_(sink) {}

  Result<void> Run() {
    std::vector<PathNode> todo;
    todo.push_back({"", layer_.Root()});
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
    return sink_(TarEndMark());
  }

 private:
  struct PathNode {
    std::string path;
    LayerObject object;
  };

  tl::unexpected<Error> InPath(const std::string& path, Errno e) const {
    return MakeError(e, "\"/" + PrintablePath(path) + "\"");
  }

  // An entry without a content, which says something of what is below.
  Result<void> Mark(const std::string& path) {
    TarOutput entry;
    entry.path = path;
    entry.attr.mode = 0600;
    return sink_(EncodeTarEntry(entry));
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
        VENEER_TRY_VOID(Mark(WhiteoutPath(path)));
        continue;
      }
      auto object = layer_.Lookup(node.object.ref, name.text, name.hint);
      if (!object) return InPath(path, object.error());
      if (*object) out->push_back({std::move(path), **std::move(object)});
    }
    return {};
  }

  Result<void> WriteNode(const PathNode& node) {
    const LayerObject& object = node.object;
    if (!object.marks.implied) VENEER_TRY_VOID(Object(node));
    if (!object.marks.opaque) return {};
    return Mark(OpaquePath(node.path));
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
    const bool linked = object.attr.type != FileType::kDirectory && object.attr.nlink > 1;
    if (linked) {
      const auto [first, fresh] = linked_.try_emplace(object.attr.ino, node.path);
      if (!fresh) {
        entry.hard_link = true;
        entry.link = first->second;
        return sink_(EncodeTarEntry(entry));
      }
    }
    entry.xattrs = acls_.Undo(entry);
    if (object.attr.type == FileType::kRegular && object.attr.size > 0) return File(node, entry);
    std::string target;
    if (object.attr.type == FileType::kSymlink) {
      Sys<std::string> read = layer_.ReadLink(object.ref);
      if (!read) return InPath(node.path, read.error());
      target = *std::move(read);
      entry.link = target;
    }
    return sink_(EncodeTarEntry(entry));
  }

  Result<void> File(const PathNode& node, TarOutput& entry) {
    const Sys<Content> content = layer_.Open(node.object.ref);
    if (!content) return InPath(node.path, content.error());
    const uint64_t size = entry.attr.size;
    std::vector<SparseExtent> extents;
    bool sparse = false;
    if (content->fd && size >= kMinHoles) {
      VENEER_TRY(const std::vector<SparseExtent> zeros, FindZeroRuns(content->fd.get(), size));
      extents = DataExtents(zeros, size, &sparse);
    }
    if (sparse) {
      entry.sparse = &extents;
    } else {
      extents = {{0, size}};
    }
    VENEER_TRY_VOID(sink_(EncodeTarEntry(entry)));
    uint64_t total = 0;
    for (const SparseExtent& extent : extents) {
      VENEER_TRY_VOID(Data(node, *content, extent));
      total += extent.size;
    }
    return sink_(std::string(TarPadding(total), '\0'));
  }

  Result<void> Data(const PathNode& node, const Content& content, const SparseExtent& extent) {
    if (!content.fd) {
      if (content.bytes.size() < extent.offset + extent.size) return InPath(node.path, Errno{EIO});
      return sink_(content.bytes.substr(extent.offset, extent.size));
    }
    std::string buffer(std::min<uint64_t>(kReadSize, extent.size), '\0');
    for (uint64_t done = 0; done < extent.size;) {
      VENEER_TRY_VOID(Cancellation::Check(cancel_));
      const auto want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), extent.size - done));
      const Sys<size_t> got =
          sys::ReadAt(content.fd.get(), buffer.data(), want, extent.offset + done);
      if (!got) return InPath(node.path, got.error());
      if (*got == 0) return InPath(node.path, Errno{EIO});
      VENEER_TRY_VOID(sink_({buffer.data(), *got}));
      done += *got;
    }
    return {};
  }

  const IndexedLayer& layer_;
  const Cancellation* const cancel_;
  TarSink sink_;
  InheritedAcls acls_;
  std::map<uint64_t, std::string> linked_;  // the first name of files with several
};

}  // namespace

Result<void> RewriteLayer(const IndexedLayer& layer, const Cancellation* cancel, TarSink sink) {
  return Rewriter(layer, cancel, sink).Run();
}

}  // namespace veneer
