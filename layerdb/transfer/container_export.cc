// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_export.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/model/tar_mapping.h"
#include "layerdb/model/tar_writer.h"
#include "layerdb/store/content_hash.h"
#include "layerdb/store/object_store.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/content_check.h"

namespace veneer {

namespace {

constexpr size_t kPiece = size_t{1} << 20;

class Exporter {
 public:
  Exporter(const ChangeWalk& walk, const ObjectStore& objects, const Cancellation* cancel,
           TarSink sink)
      : walk_(walk), packs_(objects), cancel_(cancel), sink_(sink) {
    buffer_.reserve(kPiece);
  }

  Result<void> Take(const Change& change);
  Result<uint64_t> Finish();

 private:
  Result<void> Raw(std::string_view bytes);
  Result<void> Flush();
  Result<void> File(const Change& change, const TarOutput& entry);
  // `object`: whose contents these are, to be compared with its name.
  Result<void> Data(const Change& change, int fd, uint64_t size,
                    const std::optional<ObjectRef>& object);
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
  InheritedAcls acls_;
  const Cancellation* const cancel_;
  TarSink sink_;
  std::string buffer_;
  uint64_t size_ = 0;
  std::map<std::pair<const Layer*, uint64_t>, std::string> linked_;
};

Result<void> Exporter::Flush() {
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  const Result<void> taken = buffer_.empty() ? Result<void>() : sink_(buffer_);
  buffer_.clear();
  return taken;
}

Result<void> Exporter::Raw(std::string_view bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kPiece) VENEER_TRY_VOID(Flush());
  if (bytes.size() >= kPiece) return sink_(bytes);
  buffer_.append(bytes);
  return {};
}

Result<void> Exporter::Take(const Change& change) {
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
  if (change.link_key) {
    if (const auto first = linked_.find(*change.link_key); first != linked_.end()) {
      entry.hard_link = true;
      entry.link = first->second;
      return Raw(EncodeTarEntry(entry));
    }
  }
  entry.xattrs = acls_.Undo(entry);
  if (change.attr.type == FileType::kRegular) return File(change, entry);
  std::string target;
  if (change.attr.type == FileType::kSymlink) {
    Sys<std::string> read = change.meta->ReadLink(change.meta_ref);
    if (!read && IsGone(change.meta, read.error())) return {};
    if (!read) return InPath(change, change.meta, read.error());
    target = *std::move(read);
    entry.link = target;
  }
  VENEER_TRY_VOID(Raw(EncodeTarEntry(entry)));
  if (change.link_key) linked_.emplace(*change.link_key, change.path);
  return {};
}

Result<void> Exporter::File(const Change& change, const TarOutput& entry) {
  const uint64_t size = entry.attr.size;
  Content content;
  std::optional<ObjectRef> object;
  if (size > 0 && change.data == walk_.lower()) {
    const Sys<std::optional<IndexedLayer::Held>> held = walk_.lower()->HeldIn(change.data_ref);
    if (!held) return InPath(change, change.data, held.error());
    if (*held && (*held)->whole) object = (*held)->object;
    if (*held && !(*held)->whole) VENEER_TRY_VOID(packs_.Check((*held)->object));
  }
  if (size > 0) {
    Sys<Content> open = change.data->Open(change.data_ref);
    if (!open && IsGone(change.data, open.error())) return {};
    if (!open) return InPath(change, change.data, open.error());
    content = *std::move(open);
  }
  VENEER_TRY_VOID(Raw(EncodeTarEntry(entry)));
  if (change.link_key) linked_.emplace(*change.link_key, change.path);
  if (content.fd) {
    VENEER_TRY_VOID(Data(change, content.fd.get(), size, object));
  } else {
    if (content.bytes.size() != size) return InPath(change, change.data, Errno{EIO});
    VENEER_TRY_VOID(Raw(content.bytes));
  }
  return Raw(std::string(TarPadding(size), '\0'));
}

// Straight into the buffer.
Result<void> Exporter::Data(const Change& change, int fd, uint64_t size,
                            const std::optional<ObjectRef>& object) {
  ContentHasher hasher;
  for (uint64_t done = 0; done < size;) {
    if (buffer_.size() == kPiece) VENEER_TRY_VOID(Flush());
    const size_t at = buffer_.size();
    const auto want = static_cast<size_t>(std::min<uint64_t>(kPiece - at, size - done));
    buffer_.resize(at + want);
    const Sys<size_t> got = sys::ReadAt(fd, buffer_.data() + at, want, done);
    if (!got) return InPath(change, change.data, got.error());
    if (*got < want) {
      if (change.data == walk_.lower()) return InPath(change, change.data, Errno{ENODATA});
      // Cut short meanwhile: the header has said how much there is.
      std::memset(buffer_.data() + at + *got, 0, want - *got);
    }
    if (object) hasher.Update({buffer_.data() + at, want});
    done += want;
    size_ += want;
  }
  if (object && hasher.Finish() != object->hash) {
    return DamagedObject(*object, "has other contents than its name says");
  }
  return {};
}

Result<uint64_t> Exporter::Finish() {
  VENEER_TRY_VOID(Raw(TarEndMark()));
  VENEER_TRY_VOID(Flush());
  return size_;
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
  VENEER_TRY_VOID(walk->RunMerged([&](const Change& change) { return exporter.Take(change); }));
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
