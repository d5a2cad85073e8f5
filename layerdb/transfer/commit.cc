// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/commit.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/names.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/commit_pipeline.h"
#include "layerdb/transfer/content_check.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

namespace {

// Writes the archive of a change, its tar-split and its tree at once.
class Committer {
 public:
  Committer(Store& store, StoreWriter& store_writer, ChangeWalk& walk, LayerAssembler& layer,
            const CommitOptions& options)
      : store_(store),
        walk_(walk),
        layer_(layer),
        options_(options),
        pipeline_(store, store_writer, layer, options.cancel) {}

  Result<void> AddChange(const Change& change);
  Result<CommittedLayer> Finish();

 private:
  Result<void> Mark(const std::string& path);
  Result<void> Object(const Change& change);
  Result<void> File(const Change& change, const TarOutput& entry, TreeBuilder::Object* object,
                    const TreePath& path);
  // `open` keeps what `source` views.
  Result<void> OpenContent(const Change& change, Content* open, CommitSource* source);
  Result<XattrList> Xattrs(const Change& change) const;
  Timestamp Clamp(Timestamp time) const;
  tl::unexpected<Error> InPath(const Change& change, Errno e) const {
    return MakeError(e, "\"/" + PrintablePath(change.path) + "\"");
  }

  Store& store_;
  ChangeWalk& walk_;
  LayerAssembler& layer_;
  const CommitOptions& options_;
  CommitPipeline pipeline_;
  PackCheck packs_{store_.objects()};
  TarHeaders headers_;
  bool empty_ = true;
};

Timestamp Committer::Clamp(Timestamp time) const {
  if (options_.source_date_epoch && time.sec >= *options_.source_date_epoch) {
    return {*options_.source_date_epoch, 0};
  }
  return time;
}

Result<XattrList> Committer::Xattrs(const Change& change) const {
  Sys<XattrList> xattrs = change.meta->ListXattrs(change.meta_ref);
  if (!xattrs && xattrs.error().code != EOPNOTSUPP) return InPath(change, xattrs.error());
  XattrList out = xattrs ? *std::move(xattrs) : XattrList();
  std::erase_if(out, [](const Xattr& xattr) { return IsHostXattr(xattr.first); });
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> Committer::Mark(const std::string& path) {
  empty_ = false;
  return pipeline_.Raw(TarHeaders::Mark(path));
}

Result<void> Committer::AddChange(const Change& change) {
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  // The directories above a change are entries as well, whether they changed or not: a reader that makes them for want of
  // one gives them attributes of its own, and rights with them.
  if (!change.deleted) return Object(change);
  if (change.hidden) return {};
  VENEER_TRY_VOID(Mark(WhiteoutPath(change.path)));
  VENEER_TRY(const TreePath path, ParseTarPath(change.path, kMaxName));
  return layer_.tree().AddWhiteout(path);
}

Result<void> Committer::Object(const Change& change) {
  VENEER_TRY(const TreePath path, ParseTarPath(change.path, kMaxName));
  if (!path.empty() && IsReservedInLayers(path.back())) {
    return MakeError("\"/" + PrintablePath(change.path) +
                     "\": an image layer cannot hold this name, it would be read as a deletion; "
                     "rename the file");
  }
  empty_ = false;
  TarOutput entry;
  entry.path = change.path;
  entry.attr = change.attr;
  // What did not change is the image's, and as old as it is there.
  if (!change.only_inside) entry.attr.mtime = Clamp(change.attr.mtime);
  TreeBuilder::Object object;
  VENEER_TRY(object.xattrs, Xattrs(change));
  entry.xattrs = &object.xattrs;
  if (change.link_key && change.attr.type != FileType::kSocket) {
    if (const auto header = headers_.HardLink(entry, change.link_key)) {
      VENEER_TRY_VOID(pipeline_.Raw(*header));
      VENEER_TRY(const TreePath target,
                 ParseTarPath(*headers_.FirstName(*change.link_key), kMaxName));
      return layer_.tree().AddHardLink(path, target);
    }
  }
  if (change.attr.type == FileType::kRegular) return File(change, entry, &object, path);
  if (change.attr.type == FileType::kSymlink) {
    Sys<std::string> target = change.meta->ReadLink(change.meta_ref);
    if (!target) return InPath(change, target.error());
    object.target = *std::move(target);
    entry.link = object.target;
  }
  object.attr = entry.attr;
  // No archive can hold a socket; the layer does. What was in its place must not come back for who reads the archive.
  if (change.attr.type != FileType::kSocket) {
    VENEER_TRY_VOID(pipeline_.Raw(headers_.Header(entry, change.link_key)));
  } else if (change.base && !change.hidden) {
    VENEER_TRY_VOID(Mark(WhiteoutPath(change.path)));
  }
  VENEER_TRY_VOID(layer_.tree().Add(path, object));
  if (!change.opaque) return {};
  VENEER_TRY_VOID(Mark(OpaquePath(change.path)));
  return layer_.tree().MakeOpaque(path);
}

Result<void> Committer::File(const Change& change, const TarOutput& entry,
                             TreeBuilder::Object* object, const TreePath& path) {
  CommitSource source;
  Content open;
  VENEER_TRY_VOID(OpenContent(change, &open, &source));
  const auto headers = [&](uint64_t size, const std::vector<SparseExtent>* sparse) {
    TarOutput sized = entry;
    sized.attr.size = size;
    sized.sparse = sparse;
    return headers_.Header(sized, change.link_key);
  };
  Result<CommitPipeline::File> file = pipeline_.AddFile(source, headers);
  if (!file && !source.object) {
    return tl::unexpected(
        std::move(file).error().Context("\"/" + PrintablePath(change.path) + "\""));
  }
  if (!file) return tl::unexpected(std::move(file).error());
  object->attr = entry.attr;
  object->attr.size = file->size;
  if (file->content) object->content = *file->content;
  VENEER_TRY(const TreeBuilder::Node node, layer_.tree().Add(path, *object));
  if (file->content) layer_.SetOwner(*file->content, node);
  return {};
}

Result<void> Committer::OpenContent(const Change& change, Content* open, CommitSource* source) {
  if (change.data == walk_.lower()) {
    // The image's contents are in the store already.
    const Sys<std::optional<IndexedLayer::StoredContent>> stored =
        walk_.lower()->StoredContentOf(change.data_ref);
    if (!stored) return InPath(change, stored.error());
    if (*stored && (*stored)->whole) {
      const ObjectRef& ref = (*stored)->object;
      VENEER_TRY_CTX(open->fd, store_.objects().OpenObject(ref), ObjectPath(ref));
      VENEER_TRY_CTX(const struct stat st, sys::Stat({open->fd.get()}), ObjectPath(ref));
      if (static_cast<uint64_t>(st.st_size) != (*stored)->size) {
        return DamagedObject(ref, "has another size");
      }
      source->fd = open->fd.get();
      source->object = ref;
      return {};
    }
    if (*stored) VENEER_TRY_VOID(packs_.Check((*stored)->object));
  }
  Sys<Content> opened = change.data->Open(change.data_ref);
  if (!opened) return InPath(change, opened.error());
  *open = *std::move(opened);
  source->fd = open->fd ? open->fd.get() : -1;
  source->bytes = open->bytes;
  source->move = options_.move && change.data == &walk_.upper();
  return {};
}

Result<CommittedLayer> Committer::Finish() {
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  VENEER_TRY_VOID(pipeline_.Raw(TarEndMark()));
  VENEER_TRY(const Digest diff_id, pipeline_.Finish());
  CommittedLayer out{diff_id, 0, 0, false, empty_, {}};
  out.tar_bytes = layer_.tar_split().archive_size();
  VENEER_TRY(const FinishedLayer finished, layer_.Finish(out.diff_id));
  out.existed = finished.existed;
  out.summary = finished.summary;
  out.content_bytes = finished.summary.bytes + finished.summary.target_bytes;
  return out;
}

}  // namespace

Result<CommittedLayer> CommitUpper(Store& store, StoreWriter& store_writer,
                                   const std::string& upper, const std::string& work,
                                   const std::string& tree, const CommitOptions& options) {
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(upper, work, tree, store.layout().objects(), options.records));
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, TreeBuilder::Limits()));
  try {
    Committer committer(store, store_writer, *walk, *layer, options);
    VENEER_TRY_VOID(walk->Run([&](const Change& change) { return committer.AddChange(change); }));
    return committer.Finish();
  } catch (const std::system_error& e) {
    return MakeError(Errno{e.code().value()}, "start a thread");
  }
}

Result<CommittedLayer> CommitContainer(Store& store, StoreWriter& store_writer,
                                       const ContainerRecord& container,
                                       const CommitOptions& options) {
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  CommitOptions all = options;
  all.records = RecordsOf(store.layout(), container.name);
  Result<CommittedLayer> committed =
      CommitUpper(store, store_writer, store.layout().upper(container.name),
                  store.layout().work(container.name), tree, all);
  if (!committed) {
    return tl::unexpected(std::move(committed).error().Context("container " + container.name));
  }
  return committed;
}

}  // namespace veneer
