// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_rewrite.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/sys.h"
#include "layerdb/model/tar_mapping.h"
#include "layerdb/model/tar_writer.h"
#include "layerdb/transfer/directory_archive.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;
constexpr uint32_t kSetGroupId = 02000;

class Rewriter {
 public:
  Rewriter(const IndexedLayer& layer, const Cancellation* cancel, TarSink sink)
      : layer_(layer), cancel_(cancel), sink_(sink) {}

  Result<void> Run() {
    std::vector<Place> todo;
    todo.push_back({"", layer_.Root(), false});
    while (!todo.empty()) {
      const Place place = std::move(todo.back());
      todo.pop_back();
      VENEER_TRY_VOID(Cancellation::Check(cancel_));
      VENEER_TRY_VOID(Take(place));
      if (place.object.attr.type != FileType::kDirectory) continue;
      const size_t before = todo.size();
      VENEER_TRY_VOID(Children(place, &todo));
      std::reverse(todo.begin() + static_cast<ptrdiff_t>(before), todo.end());
    }
    return sink_(TarEndMark());
  }

 private:
  struct Place {
    std::string path;
    LayerObject object;
    bool needs_entry = false;  // without one, a reader would make another directory
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

  Result<void> Children(const Place& place, std::vector<Place>* out) {
    struct Name {
      std::string text;
      bool whiteout;
      uint64_t hint;
    };
    std::vector<Name> names;
    const Sys<void> listed = layer_.List(place.object.ref, [&](const LayerDirent& entry) {
      names.push_back({std::string(entry.name), entry.whiteout, entry.hint});
    });
    if (!listed) return InPath(place.path, listed.error());
    for (const Name& name : names) {
      std::string path = place.path.empty() ? name.text : place.path + "/" + name.text;
      if (name.whiteout) {
        VENEER_TRY_VOID(Mark(WhiteoutPath(path)));
        continue;
      }
      auto object = layer_.Lookup(place.object.ref, name.text, name.hint);
      if (!object) return InPath(path, object.error());
      if (!*object) continue;
      // The bit is inherited (tree_builder.h), and directories come before what is in them here.
      const bool inherits = (place.object.attr.mode & kSetGroupId & ~(*object)->attr.mode) != 0;
      out->push_back({std::move(path), **std::move(object), inherits});
    }
    return {};
  }

  Result<void> Take(const Place& place) {
    const LayerObject& object = place.object;
    if (!object.marks.implied || place.needs_entry) VENEER_TRY_VOID(Object(place));
    if (!object.marks.opaque) return {};
    return Mark(OpaquePath(place.path));
  }

  Result<void> Object(const Place& place) {
    const LayerObject& object = place.object;
    TarOutput entry;
    entry.path = place.path;
    entry.attr = object.attr;
    Sys<XattrList> xattrs = layer_.ListXattrs(object.ref);
    if (!xattrs) return InPath(place.path, xattrs.error());
    std::erase_if(*xattrs, [](const Xattr& xattr) { return IsHostXattr(xattr.first); });
    std::sort(xattrs->begin(), xattrs->end());
    entry.xattrs = &*xattrs;
    const bool linked = object.attr.type != FileType::kDirectory && object.attr.nlink > 1;
    if (linked) {
      const auto [first, fresh] = linked_.try_emplace(object.attr.ino, place.path);
      if (!fresh) {
        entry.hard_link = true;
        entry.link = first->second;
        return sink_(EncodeTarEntry(entry));
      }
    }
    entry.xattrs = acls_.Undo(entry);
    if (object.attr.type == FileType::kRegular && object.attr.size > 0) return File(place, entry);
    std::string target;
    if (object.attr.type == FileType::kSymlink) {
      Sys<std::string> read = layer_.ReadLink(object.ref);
      if (!read) return InPath(place.path, read.error());
      target = *std::move(read);
      entry.link = target;
    }
    return sink_(EncodeTarEntry(entry));
  }

  Result<void> File(const Place& place, TarOutput& entry) {
    const Sys<Content> content = layer_.Open(place.object.ref);
    if (!content) return InPath(place.path, content.error());
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
      VENEER_TRY_VOID(Data(place, *content, extent));
      total += extent.size;
    }
    return sink_(std::string(TarPadding(total), '\0'));
  }

  Result<void> Data(const Place& place, const Content& content, const SparseExtent& extent) {
    if (!content.fd) {
      if (content.bytes.size() < extent.offset + extent.size) return InPath(place.path, Errno{EIO});
      return sink_(content.bytes.substr(extent.offset, extent.size));
    }
    std::string buffer(std::min<uint64_t>(kReadSize, extent.size), '\0');
    for (uint64_t done = 0; done < extent.size;) {
      VENEER_TRY_VOID(Cancellation::Check(cancel_));
      const auto want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), extent.size - done));
      const Sys<size_t> got =
          sys::ReadAt(content.fd.get(), buffer.data(), want, extent.offset + done);
      if (!got) return InPath(place.path, got.error());
      if (*got == 0) return InPath(place.path, Errno{EIO});
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
