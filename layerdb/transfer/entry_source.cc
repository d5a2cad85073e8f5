// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/entry_source.h"

#include <algorithm>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/xattr_limits.h"

namespace veneer {

TarOutput SourceEntry::Output() const {
  TarOutput out;
  out.path = path;
  out.attr = attr;
  out.xattrs = &xattrs;
  out.link = target;
  return out;
}

std::string SourceEntry::Shown() const { return "\"/" + PrintablePath(path) + "\""; }

tl::unexpected<Error> SourceEntry::Failed(Errno e) const { return MakeError(e, Shown()); }

tl::unexpected<Error> SourceEntry::Damaged(const ObjectRef& object, std::string_view what) const {
  return tl::unexpected(DamagedObject(object, what).value().Context(Shown()));
}

XattrList ArchivedXattrs(XattrList xattrs) {
  std::erase_if(xattrs, [](const Xattr& xattr) { return IsHostXattr(xattr.first); });
  std::sort(xattrs.begin(), xattrs.end());
  return xattrs;
}

tl::unexpected<Error> SourceContent::Failed(const SourceEntry& entry, Errno e) const {
  if (!stored) return entry.Failed(e);
  return DamageError(entry.Shown() + ": its contents in the store: " + ErrnoText(e.code));
}

StoredContents::StoredContents(const IndexedLayer& layer, const ObjectStore& objects)
    : layer_(layer), objects_(objects), packs_(objects) {}

Result<SourceContent> StoredContents::Open(const SourceEntry& entry, const LayerRef& ref) {
  SourceContent out;
  out.stored = true;
  const Sys<std::optional<IndexedLayer::StoredContent>> stored = layer_.StoredContentOf(ref);
  if (!stored) return out.Failed(entry, stored.error());
  if (*stored && (*stored)->whole) {
    out.object = (*stored)->object;
    Sys<Fd> fd = objects_.OpenObject(*out.object);
    if (!fd) return entry.Damaged(*out.object, "cannot be opened: " + ErrnoText(fd.error().code));
    out.content.fd = *std::move(fd);
    VENEER_TRY_CTX(const struct stat st, sys::Stat({out.content.fd.get()}),
                   ObjectPath(*out.object));
    if (static_cast<uint64_t>(st.st_size) != (*stored)->size) {
      return entry.Damaged(*out.object, "has another size");
    }
    return out;
  }
  if (*stored) VENEER_TRY_VOID(packs_.Check((*stored)->object));
  Sys<Content> open = layer_.Open(ref);
  if (!open) return out.Failed(entry, open.error());
  out.content = *std::move(open);
  return out;
}

}  // namespace veneer
