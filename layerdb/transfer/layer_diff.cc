// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_diff.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "layerdb/index/index_reader.h"
#include "layerdb/transfer/image_diff.h"

namespace veneer {

namespace {

struct LayerPath {
  std::string path;  // with a slash in front; empty: the root
  EntryView entry;
};

// All that a layer says something of, in the order of an archive.
Result<std::vector<LayerPath>> PathsIn(const IndexReader& layer) {
  std::vector<LayerPath> done;
  std::vector<LayerPath> todo = {{"", layer.Root().entry}};
  for (uint64_t directories = 0; !todo.empty();) {
    const LayerPath at = std::move(todo.back());
    todo.pop_back();
    done.push_back(at);
    if (at.entry.whiteout() || at.entry.type() != FileType::kDirectory) continue;
    const auto damaged = [&](int code) {
      return DamageError("index " + layer.path() + ": " + ErrnoText(code), code);
    };
    // A directory that is met twice is damage, and would keep this going for ever.
    if (++directories > layer.summary().directories) return damaged(EUCLEAN);
    const auto first = static_cast<std::ptrdiff_t>(todo.size());
    const Sys<void> listed =
        layer.List(at.entry.ino(), [&](std::string_view name, const IndexReader::Record& found) {
          todo.push_back({at.path + "/" + std::string(name), found.entry});
          return true;
        });
    if (!listed) return damaged(listed.error().code);
    std::reverse(todo.begin() + first, todo.end());
  }
  return done;
}

Result<std::vector<std::string>> PartsOf(const ObjectStore& objects, const EntryView& below,
                                         const EntryView& above) {
  if (below.whiteout() || above.whiteout()) {
    if (below.whiteout() && above.whiteout()) return std::vector<std::string>();
    return std::vector<std::string>{kDeletion};
  }
  VENEER_TRY(std::vector<std::string> parts, DifferingParts(objects, below, above));
  if (below.opaque() != above.opaque()) parts.emplace_back(kOpaque);
  if (below.type() == above.type() && below.nlink() != above.nlink()) parts.emplace_back(kLinks);
  return parts;
}

SizedDiffEntry OnlyIn(DiffKind kind, const LayerPath& path) {
  SizedDiffEntry one;
  one.entry = {kind, path.path.empty() ? "/" : path.path};
  if (path.entry.whiteout()) one.parts.emplace_back(kDeletion);
  return one;
}

}  // namespace

Result<std::vector<SizedDiffEntry>> DiffLayers(const Store& store, const Digest& below,
                                               const Digest& above) {
  VENEER_TRY(const std::shared_ptr<IndexReader> below_index, store.OpenLayer(below));
  VENEER_TRY(const std::shared_ptr<IndexReader> above_index, store.OpenLayer(above));
  VENEER_TRY(const std::vector<LayerPath> old, PathsIn(*below_index));
  VENEER_TRY(const std::vector<LayerPath> now, PathsIn(*above_index));
  std::vector<SizedDiffEntry> out;
  for (size_t a = 0, b = 0; a < old.size() || b < now.size();) {
    if (b == now.size() || (a < old.size() && DiffPathLess(old[a].path, now[b].path))) {
      out.push_back(OnlyIn(DiffKind::kDeleted, old[a++]));
      continue;
    }
    if (a == old.size() || DiffPathLess(now[b].path, old[a].path)) {
      out.push_back(OnlyIn(DiffKind::kAdded, now[b++]));
      continue;
    }
    VENEER_TRY(std::vector<std::string> parts,
               PartsOf(store.objects(), old[a].entry, now[b].entry));
    if (!parts.empty()) {
      SizedDiffEntry one = OnlyIn(DiffKind::kChanged, now[b]);
      one.parts = std::move(parts);
      out.push_back(std::move(one));
    }
    ++a;
    ++b;
  }
  return out;
}

}  // namespace veneer
