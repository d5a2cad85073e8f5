// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/change_source.h"

#include <cerrno>
#include <string>
#include <utility>

namespace veneer {

ChangeSource::ChangeSource(ChangeWalk& walk, const ObjectStore& objects,
                           const ChangeSourceOptions& options)
    : walk_(walk), options_(options) {
  if (walk.lower() != nullptr) stored_.emplace(*walk.lower(), objects);
}

Result<void> ChangeSource::Run(EntrySink& sink) {
  const auto add = [&](const Change& change) { return AddChange(change, sink); };
  return options_.merged ? walk_.RunMerged(add) : walk_.Run(add);
}

bool ChangeSource::IsGone(const Layer* layer, Errno e) const {
  return options_.merged && !IsStored(layer) && (e.code == ENOENT || e.code == ESTALE);
}

Result<void> ChangeSource::AddChange(const Change& change, EntrySink& sink) {
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  if (change.deleted) return change.hidden ? Result<void>() : sink.Whiteout(change.path);
  // The directories above a change are entries as well, whether they changed or not: a reader that
  // makes them for want of one gives them attributes of its own, and rights with them.
  SourceEntry entry{change.path, change.attr, {}};
  // What did not change is the image's, and as old as it is there.
  if (options_.epoch && !change.only_inside && entry.attr.mtime.sec >= *options_.epoch) {
    entry.attr.mtime = {*options_.epoch, 0};
  }
  entry.key = change.link_key;
  entry.replaces = change.base && !change.hidden;
  Sys<XattrList> xattrs = change.meta->ListXattrs(change.meta_ref);
  if (!xattrs && IsGone(change.meta, xattrs.error())) return {};
  if (!xattrs && xattrs.error().code != EOPNOTSUPP) return entry.Failed(xattrs.error());
  if (xattrs) entry.xattrs = ArchivedXattrs(*std::move(xattrs));
  if (entry.attr.type == FileType::kSymlink) {
    Sys<std::string> target = change.meta->ReadLink(change.meta_ref);
    if (!target && IsGone(change.meta, target.error())) return {};
    if (!target) return entry.Failed(target.error());
    entry.target = *std::move(target);
  }
  VENEER_TRY_VOID(sink.Add(entry, [&] { return Open(change, entry); }));
  return change.opaque ? sink.Opaque(change.path) : Result<void>();
}

Result<std::optional<SourceContent>> ChangeSource::Open(const Change& change,
                                                        const SourceEntry& entry) {
  if (IsStored(change.data)) return stored_->Open(entry, change.data_ref);
  Sys<Content> open = change.data->Open(change.data_ref);
  if (!open && IsGone(change.data, open.error())) return std::nullopt;
  if (!open) return entry.Failed(open.error());
  SourceContent out{*std::move(open)};
  out.move = options_.move && change.data == &walk_.upper();
  return out;
}

}  // namespace veneer
