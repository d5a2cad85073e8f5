// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/image_diff_source.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "layerdb/transfer/image_diff.h"

namespace veneer {

Result<std::unique_ptr<ImageDiffSource>> ImageDiffSource::Open(Store& store,
                                                               std::span<const Digest> below,
                                                               std::span<const Digest> above,
                                                               const Cancellation* cancel) {
  VENEER_TRY(std::vector<SizedDiffEntry> changes,
             DiffImages(store, below, above, DiffLinks::kTell));
  VENEER_TRY(const std::string index, store.EnsureTree(above));
  VENEER_TRY(std::shared_ptr<const IndexedLayer> tree,
             IndexedLayer::Open(index, store.layout().objects()));
  return std::unique_ptr<ImageDiffSource>(
      new ImageDiffSource(std::move(tree), store.objects(), std::move(changes), cancel));
}

ImageDiffSource::ImageDiffSource(std::shared_ptr<const IndexedLayer> tree,
                                 const ObjectStore& objects, std::vector<SizedDiffEntry> changes,
                                 const Cancellation* cancel)
    : tree_(std::move(tree)),
      contents_(*tree_, objects),
      changes_(std::move(changes)),
      cancel_(cancel) {}

Result<void> ImageDiffSource::Run(EntrySink& sink) {
  if (changes_.empty()) return {};
  VENEER_TRY_VOID(Give("", true, sink));
  for (const SizedDiffEntry& change : changes_) {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    const std::string_view path = std::string_view(change.entry.path).substr(1);
    if (path.empty()) continue;
    if (change.entry.kind == DiffKind::kDeleted) {
      VENEER_TRY_VOID(sink.Whiteout(path));
    } else {
      VENEER_TRY_VOID(Give(path, change.entry.kind == DiffKind::kChanged, sink));
    }
  }
  return {};
}

Result<void> ImageDiffSource::Give(std::string_view path, bool replaces, EntrySink& sink) {
  SourceEntry entry{std::string(path), {}, {}};
  entry.replaces = replaces;
  LayerObject object = tree_->Root();
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    Sys<std::optional<LayerObject>> found = tree_->Lookup(object.ref, name, 0);
    if (!found) return entry.Failed(found.error());
    if (!*found) return entry.Failed(Errno{EUCLEAN});  // the difference has told of it
    object = **std::move(found);
    path.remove_prefix(std::min(path.size(), name.size() + 1));
  }
  entry.attr = object.attr;
  Sys<XattrList> xattrs = tree_->ListXattrs(object.ref);
  if (!xattrs) return entry.Failed(xattrs.error());
  entry.xattrs = ArchivedXattrs(*std::move(xattrs));
  if (entry.attr.type != FileType::kDirectory && entry.attr.nlink > 1) {
    entry.key.emplace(0, entry.attr.ino);
  }
  if (entry.attr.type == FileType::kSymlink) {
    Sys<std::string> target = tree_->ReadLink(object.ref);
    if (!target) return entry.Failed(target.error());
    entry.target = *std::move(target);
  }
  return sink.Add(entry, [&]() -> Result<std::optional<SourceContent>> {
    return contents_.Open(entry, object.ref);
  });
}

}  // namespace veneer
