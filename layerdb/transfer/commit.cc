// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/commit.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "layerdb/base/hash.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/names.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/content_check.h"
#include "layerdb/transfer/directory_archive.h"
#include "layerdb/transfer/layer_assembler.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;

// The contents of one file in the store: an object, or bytes for the index.
struct StoredFile {
  std::optional<ObjectRef> object;
  bool checked = false;  // the object was made just now; else its hash is compared while it is read
  Fd fd;                 // of the object
  std::string bytes;     // when there is none
  uint64_t size = 0;
  uint64_t blocks = 0;
};

// Writes the archive of a change, its tar-split and its tree at once.
class Committer {
 public:
  Committer(Store& store, StoreWriter& store_writer, ChangeWalk& walk, LayerAssembler& layer,
            const CommitOptions& options)
      : store_(store), store_writer_(store_writer), walk_(walk), layer_(layer), options_(options) {}

  Result<void> AddChange(const Change& change);
  Result<CommittedLayer> Finish();

 private:
  Result<void> Raw(std::string_view bytes) {
    sha_.Update(bytes);
    return layer_.tar_split().Raw(bytes);
  }
  Result<void> Mark(const std::string& path);
  Result<void> Object(const Change& change);
  Result<void> File(const Change& change, TarOutput* entry, TreeBuilder::Object* object,
                    const TreePath& path);
  Result<StoredFile> StoreContent(const Change& change);
  Result<StoredFile> UseObject(const ObjectRef& ref);
  Result<StoredFile> UseImageObject(const IndexedLayer::StoredContent& stored);
  Result<void> WriteData(const StoredFile& content, const std::vector<SparseExtent>& extents);
  Result<XattrList> Xattrs(const Change& change) const;
  Timestamp Clamp(Timestamp time) const;
  tl::unexpected<Error> InPath(const Change& change, Errno e) const {
    return MakeError(e, "\"/" + PrintablePath(change.path) + "\"");
  }

  Store& store_;
  StoreWriter& store_writer_;
  ChangeWalk& walk_;
  LayerAssembler& layer_;
  const CommitOptions& options_;
  PackCheck packs_{store_.objects()};
  InheritedAcls acls_;
  Sha256Stream sha_;
  bool empty_ = true;
  std::map<std::pair<const Layer*, uint64_t>, std::string> linked_;
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
  TarOutput entry;
  entry.path = path;
  entry.attr.mode = 0600;
  empty_ = false;
  return Raw(EncodeTarEntry(entry));
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
    const auto [first, fresh] = linked_.try_emplace(*change.link_key, change.path);
    if (!fresh) {
      entry.hard_link = true;
      entry.link = first->second;
      VENEER_TRY_VOID(Raw(EncodeTarEntry(entry)));
      VENEER_TRY(const TreePath target, ParseTarPath(first->second, kMaxName));
      return layer_.tree().AddHardLink(path, target);
    }
  }
  entry.xattrs = acls_.Undo(entry);
  if (change.attr.type == FileType::kRegular) return File(change, &entry, &object, path);
  if (change.attr.type == FileType::kSymlink) {
    Sys<std::string> target = change.meta->ReadLink(change.meta_ref);
    if (!target) return InPath(change, target.error());
    object.target = *std::move(target);
    entry.link = object.target;
  }
  object.attr = entry.attr;
  // No archive can hold a socket; the layer does. What was in its place must not come back for who reads the archive.
  if (change.attr.type != FileType::kSocket) {
    VENEER_TRY_VOID(Raw(EncodeTarEntry(entry)));
  } else if (change.base && !change.hidden) {
    VENEER_TRY_VOID(Mark(WhiteoutPath(change.path)));
  }
  VENEER_TRY_VOID(layer_.tree().Add(path, object));
  if (!change.opaque) return {};
  VENEER_TRY_VOID(Mark(OpaquePath(change.path)));
  return layer_.tree().MakeOpaque(path);
}

Result<void> Committer::File(const Change& change, TarOutput* entry, TreeBuilder::Object* object,
                             const TreePath& path) {
  VENEER_TRY(const StoredFile content, StoreContent(change));
  // What was taken counts, should the file have changed since it was looked at.
  entry->attr.size = content.size;
  object->attr = entry->attr;
  std::vector<SparseExtent> extents;
  bool sparse = false;
  if (content.size >= kMinHoles) {
    VENEER_TRY(const std::vector<SparseExtent> zeros, FindZeroRuns(content.fd.get(), content.size));
    extents = DataExtents(zeros, content.size, &sparse);
  }
  if (sparse) {
    entry->sparse = &extents;
  } else if (content.size > 0) {
    extents = {{0, content.size}};
  }
  VENEER_TRY_VOID(Raw(EncodeTarEntry(*entry)));
  if (content.size > 0) {
    VENEER_TRY(object->content, layer_.NewContent(content.size));
    if (content.object) {
      layer_.SetObject(object->content, *content.object, content.blocks);
    } else {
      VENEER_TRY_VOID(layer_.SetSmall(object->content, content.bytes));
    }
  }
  VENEER_TRY(const TreeBuilder::Node node, layer_.tree().Add(path, *object));
  if (content.size == 0) return {};
  layer_.SetOwner(object->content, node);
  return WriteData(content, extents);
}

Result<void> Committer::WriteData(const StoredFile& content,
                                  const std::vector<SparseExtent>& extents) {
  std::string buffer;
  ContentHasher hasher;  // a new layer must not vouch for an object that is damaged
  uint64_t total = 0;
  for (const SparseExtent& extent : extents) {
    total += extent.size;
    VENEER_TRY_VOID(layer_.tar_split().Data(extent.offset, extent.size));
    if (!content.object) {
      sha_.Update(std::string_view(content.bytes).substr(extent.offset, extent.size));
      continue;
    }
    buffer.resize(kReadSize);
    if (!content.checked) hasher.Zeros(extent.offset - hasher.size());
    for (uint64_t done = 0; done < extent.size;) {
      VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
      const auto want = static_cast<size_t>(std::min<uint64_t>(kReadSize, extent.size - done));
      VENEER_TRY_CTX(const size_t got,
                     sys::ReadAt(content.fd.get(), buffer.data(), want, extent.offset + done),
                     ObjectPath(*content.object));
      if (got == 0) return DamagedObject(*content.object, "is cut short");
      sha_.Update({buffer.data(), got});
      if (!content.checked) hasher.Update({buffer.data(), got});
      done += got;
    }
  }
  if (content.object && !content.checked) {
    hasher.Zeros(content.size - hasher.size());
    if (hasher.Finish() != content.object->hash) {
      return DamagedObject(*content.object, "has other contents");
    }
  }
  return Raw(std::string(TarPadding(total), '\0'));
}

Result<StoredFile> Committer::UseObject(const ObjectRef& ref) {
  StoredFile content;
  content.object = ref;
  VENEER_TRY_CTX(content.fd, store_.objects().OpenObject(ref), ObjectPath(ref));
  VENEER_TRY_CTX(const struct stat st, sys::Stat({content.fd.get()}), ObjectPath(ref));
  content.size = static_cast<uint64_t>(st.st_size);
  content.blocks = content.size == 0 ? 0 : static_cast<uint64_t>(st.st_blocks);
  // A file without holes has these, whatever the file system has allocated so far.
  if (content.blocks >= content.size / 512) content.blocks = DenseBlocks(content.size);
  return content;
}

Result<StoredFile> Committer::UseImageObject(const IndexedLayer::StoredContent& stored) {
  VENEER_TRY(StoredFile content, UseObject(stored.object));
  if (content.size != stored.size) return DamagedObject(stored.object, "has another size");
  return content;
}

Result<StoredFile> Committer::StoreContent(const Change& change) {
  if (change.data == walk_.lower()) {
    // The image's contents are in the store already.
    const Sys<std::optional<IndexedLayer::StoredContent>> stored =
        walk_.lower()->StoredContentOf(change.data_ref);
    if (!stored) return InPath(change, stored.error());
    if (*stored && (*stored)->whole) return UseImageObject(**stored);
    if (*stored) VENEER_TRY_VOID(packs_.Check((*stored)->object));
  }
  Sys<Content> open = change.data->Open(change.data_ref);
  if (!open) return InPath(change, open.error());
  StoredFile content;
  if (!open->fd) {
    content.bytes = open->bytes;
    content.size = content.bytes.size();
    return content;
  }
  // One byte more than what fits: so a file that grew meanwhile is seen.
  std::string bytes(StoreWriter::kPackLimit + 1, '\0');
  Sys<size_t> got = sys::ReadAt(open->fd.get(), bytes.data(), bytes.size(), 0);
  if (!got) return InPath(change, got.error());
  if (*got <= StoreWriter::kPackLimit) {
    bytes.resize(*got);
    content.size = *got;
    content.bytes = std::move(bytes);
    return content;
  }
  const bool own = options_.move && change.data == &walk_.upper();
  Result<ObjectRef> ref =
      own ? store_writer_.LinkObject(open->fd.get()) : store_writer_.PutObjectFrom(open->fd.get());
  if (!ref) {
    return tl::unexpected(
        std::move(ref).error().Context("\"/" + PrintablePath(change.path) + "\""));
  }
  VENEER_TRY(content, UseObject(*ref));
  content.checked = true;
  return content;
}

Result<CommittedLayer> Committer::Finish() {
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  VENEER_TRY_VOID(Raw(TarEndMark()));
  CommittedLayer out{*Digest::FromHex(sha_.FinishHex()), 0, 0, false, empty_, {}};
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
  Committer committer(store, store_writer, *walk, *layer, options);
  VENEER_TRY_VOID(walk->Run([&](const Change& change) { return committer.AddChange(change); }));
  return committer.Finish();
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
