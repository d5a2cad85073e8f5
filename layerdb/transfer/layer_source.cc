// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_source.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace veneer {

LayerSource::LayerSource(const IndexedLayer& layer, const ObjectStore& objects,
                         const Cancellation* cancel)
    : layer_(layer), contents_(layer, objects), cancel_(cancel) {}

Result<void> LayerSource::Run(EntrySink& sink) {
  std::vector<PathNode> todo;
  todo.push_back({"", layer_.Root(), false});
  while (!todo.empty()) {
    const PathNode node = std::move(todo.back());
    todo.pop_back();
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    VENEER_TRY_VOID(AddNode(node, sink));
    if (node.object.attr.type != FileType::kDirectory) continue;
    const size_t before = todo.size();
    VENEER_TRY_VOID(ListChildren(node, sink, &todo));
    std::reverse(todo.begin() + static_cast<ptrdiff_t>(before), todo.end());
  }
  return {};
}

Result<void> LayerSource::ListChildren(const PathNode& node, EntrySink& sink,
                                       std::vector<PathNode>* out) {
  struct Name {
    std::string text;
    bool whiteout;
    uint64_t hint;
  };
  const auto failed = [](const std::string& path, Errno e) {
    return SourceEntry{path, {}, {}}.Failed(e);
  };
  std::vector<Name> names;
  const Sys<void> listed = layer_.List(node.object.ref, [&](const LayerDirent& entry) {
    names.push_back({std::string(entry.name), entry.whiteout, entry.hint});
  });
  if (!listed) return failed(node.path, listed.error());
  for (const Name& name : names) {
    std::string path = node.path.empty() ? name.text : node.path + "/" + name.text;
    if (name.whiteout) {
      VENEER_TRY_VOID(sink.Whiteout(path));
      continue;
    }
    auto object = layer_.Lookup(node.object.ref, name.text, name.hint);
    if (!object) return failed(path, object.error());
    if (!*object) continue;
    // The bit is inherited (tree_builder.h), and directories come before what is in them here.
    const bool inherits = (node.object.attr.mode & kSetGroupId & ~(*object)->attr.mode) != 0;
    out->push_back({std::move(path), **std::move(object), inherits});
  }
  return {};
}

Result<void> LayerSource::AddNode(const PathNode& node, EntrySink& sink) {
  const LayerObject& object = node.object;
  if (!object.marks.implied || node.needs_entry) {
    SourceEntry entry{node.path, object.attr, {}};
    Sys<XattrList> xattrs = layer_.ListXattrs(object.ref);
    if (!xattrs) return entry.Failed(xattrs.error());
    entry.xattrs = ArchivedXattrs(*std::move(xattrs));
    if (entry.attr.type != FileType::kDirectory && entry.attr.nlink > 1) {
      entry.key.emplace(0, entry.attr.ino);
    }
    if (entry.attr.type == FileType::kSymlink) {
      Sys<std::string> target = layer_.ReadLink(object.ref);
      if (!target) return entry.Failed(target.error());
      entry.target = *std::move(target);
    }
    VENEER_TRY_VOID(sink.Add(entry, [&]() -> Result<std::optional<SourceContent>> {
      return contents_.Open(entry, object.ref);
    }));
  }
  return object.marks.opaque ? sink.Opaque(node.path) : Result<void>();
}

}  // namespace veneer
