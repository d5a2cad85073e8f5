// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_export.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/content_check.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

namespace {

class Exporter {
 public:
  Exporter(const ChangeWalk& walk, const ObjectStore& objects, const Cancellation* cancel,
           TarSink sink)
      : walk_(walk), packs_(objects), cancel_(cancel), stream_(sink) {}

  Result<void> WriteChange(const Change& change);
  Result<uint64_t> Finish();

 private:
  Result<void> File(const Change& change, const TarOutput& entry);
  // True for what was removed from the writable layer since its directory was read.
  bool IsGone(const Layer* layer, Errno e) const {
    return layer != walk_.lower() && (e.code == ENOENT || e.code == ESTALE);
  }
  tl::unexpected<Error> InPath(const Change& change, const Layer* layer, Errno e) const {
    const std::string path = "\"/" + PrintablePath(change.path) + "\"";
    if (layer != walk_.lower()) return MakeError(e, path);
    return DamageError(path + ": its contents in the store: " + ErrnoText(e.code));
  }

  const ChangeWalk& walk_;
  PackCheck packs_;
  const Cancellation* const cancel_;
  TarStream stream_;
};

Result<void> Exporter::WriteChange(const Change& change) {
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  if (change.attr.type == FileType::kSocket) return {};
  TarOutput entry;
  entry.path = change.path;
  entry.attr = change.attr;
  Sys<XattrList> xattrs = change.meta->ListXattrs(change.meta_ref);
  if (!xattrs) {
    if (IsGone(change.meta, xattrs.error())) return {};
    if (xattrs.error().code != EOPNOTSUPP) return InPath(change, change.meta, xattrs.error());
    xattrs = XattrList();
  }
  std::erase_if(*xattrs, [](const Xattr& xattr) { return IsHostXattr(xattr.first); });
  std::sort(xattrs->begin(), xattrs->end());
  entry.xattrs = &*xattrs;
  VENEER_TRY(const bool linked, stream_.HardLink(entry, change.link_key));
  if (linked) return {};
  if (change.attr.type == FileType::kRegular) return File(change, entry);
  std::string target;
  if (change.attr.type == FileType::kSymlink) {
    Sys<std::string> read = change.meta->ReadLink(change.meta_ref);
    if (!read && IsGone(change.meta, read.error())) return {};
    if (!read) return InPath(change, change.meta, read.error());
    target = *std::move(read);
    entry.link = target;
  }
  return stream_.Entry(entry, change.link_key);
}

Result<void> Exporter::File(const Change& change, const TarOutput& entry) {
  const uint64_t size = entry.attr.size;
  Content content;
  std::optional<ObjectRef> object;
  if (size > 0 && change.data == walk_.lower()) {
    const Sys<std::optional<IndexedLayer::StoredContent>> stored =
        walk_.lower()->StoredContentOf(change.data_ref);
    if (!stored) return InPath(change, change.data, stored.error());
    if (*stored && (*stored)->whole) object = (*stored)->object;
    if (*stored && !(*stored)->whole) VENEER_TRY_VOID(packs_.Check((*stored)->object));
  }
  if (size > 0) {
    Sys<Content> open = change.data->Open(change.data_ref);
    if (!open && IsGone(change.data, open.error())) return {};
    if (!open) return InPath(change, change.data, open.error());
    content = *std::move(open);
  }
  if (!content.fd && content.bytes.size() != size) {
    return InPath(change, change.data, Errno{EIO});
  }
  ContentHasher hasher;  // of an object, to be compared with its name
  const auto read = [&](uint64_t offset, std::span<char> out) -> Result<void> {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    if (!content.fd) {
      std::copy_n(content.bytes.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
      return {};
    }
    const Sys<size_t> got = sys::ReadAt(content.fd.get(), out.data(), out.size(), offset);
    if (!got) return InPath(change, change.data, got.error());
    if (*got < out.size() && change.data == walk_.lower()) {
      return InPath(change, change.data, Errno{ENODATA});
    }
    // Cut short meanwhile: the header has said how much there is.
    std::fill(out.begin() + static_cast<ptrdiff_t>(*got), out.end(), '\0');
    if (object) hasher.Update({out.data(), out.size()});
    return {};
  };
  VENEER_TRY_VOID(stream_.File(entry, change.link_key, read));
  if (object && hasher.Finish() != object->hash) {
    return DamagedObject(*object, "has other contents than its name says");
  }
  return {};
}

Result<uint64_t> Exporter::Finish() {
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  return stream_.Finish();
}

}  // namespace

Result<uint64_t> ExportUpper(const std::string& upper, const std::string& work,
                             const std::string& tree, const std::string& objects,
                             const Cancellation* cancel, TarSink sink,
                             const UpperRecords& records) {
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(upper, work, tree, objects, records));
  VENEER_TRY(const std::unique_ptr<ObjectStore> contents, ObjectStore::Open(objects));
  Exporter exporter(*walk, *contents, cancel, sink);
  VENEER_TRY_VOID(
      walk->RunMerged([&](const Change& change) { return exporter.WriteChange(change); }));
  return exporter.Finish();
}

Result<uint64_t> ExportContainer(Store& store, const ContainerRecord& container,
                                 const Cancellation* cancel, TarSink sink) {
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  Result<uint64_t> size = ExportUpper(
      store.layout().upper(container.name), store.layout().work(container.name), tree,
      store.layout().objects(), cancel, sink, RecordsOf(store.layout(), container.name));
  if (!size) return tl::unexpected(std::move(size).error().Context("container " + container.name));
  return size;
}

}  // namespace veneer
