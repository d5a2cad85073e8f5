// SPDX-License-Identifier: Apache-2.0
#include "fs/core/copy_up.h"

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/stepped_copy.h"
#include "layerdb/layer/marks.h"

namespace veneer {

namespace {
// Up to this size contents are copied together with the attributes, under NamesLock.
constexpr uint64_t kOneStepSize = 256 * 1024;
}  // namespace

struct CopyUp::Copy {
  NewObject object;
  Content content;  // what `object` borrows its contents from
  bool has_data() const { return object.type == FileType::kRegular && !object.metacopy; }
};

// Of few bytes the caller's thread pool is not told: waking another thread takes longer than
// copying them, and should the disk be slow, it finds out by itself.
void CopyUp::BeforeCopying(uint64_t size) const {
  constexpr uint64_t kFew = 256 << 10;
  if (size > kFew) options_.BeforeBlocking();
}

bool CopyUp::GivenUp(const BusyNodes::Guard& guard) const {
  return options_.given_up != nullptr && options_.given_up() && !guard.IsWaitedFor();
}

void CopyUp::MarkInUpper(const NodeName& name) {
  const NodeRef& parent = name.parent;
  const MutexLock lock(parent->directory->mutex);
  if (!parent->directory->loaded()) return;
  if (DirTable::Child* child = parent->directory->table().Find(name.name)) child->in_upper = true;
}

Sys<void> CopyUp::Attributes(const NodeRef& node) {
  if (node->upper) return {};
  return Whole(node, 0, std::nullopt);
}

Sys<CopyUp::Copy> CopyUp::Describe(const Node& node, uint64_t data_limit,
                                   std::optional<uint64_t> truncate) {
  VENEER_TRY(const Attr attr, lower_.Stat(node.lower));
  // An archive can hold such a device; in an upper it would be a whiteout.
  if (attr.type == FileType::kCharDevice && attr.rdev_major == 0 && attr.rdev_minor == 0) {
    return Fail(EPERM);
  }
  Copy copy;
  NewObject& object = copy.object;
  object.type = attr.type;
  object.mode = attr.mode;
  object.uid = attr.uid;
  object.gid = attr.gid;
  object.rdev_major = attr.rdev_major;
  object.rdev_minor = attr.rdev_minor;
  object.atime = attr.atime;
  object.mtime = attr.mtime;
  if (attr.type != FileType::kDirectory) object.origin = node.origin();
  VENEER_TRY(object.xattrs, lower_.ListXattrs(node.lower));
  if (attr.type == FileType::kSymlink) {
    VENEER_TRY(object.target, lower_.ReadLink(node.lower));
  }
  if (attr.type == FileType::kRegular) {
    object.size = attr.size;
    const uint64_t size = truncate.value_or(attr.size), to_copy = std::min(attr.size, size);
    object.metacopy = to_copy > data_limit && upper_->options().metacopy;
    if (!object.metacopy) {
      object.size = size;
      object.data_size = to_copy;
      if (object.data_size > 0) {
        BeforeCopying(object.data_size);
        VENEER_TRY(copy.content, lower_.Open(node.lower));
        object.data_fd = copy.content.fd.get();
        object.data_bytes = copy.content.bytes;
      }
    }
  }
  return copy;
}

void CopyUp::Count(const Node& node, const Copy& copy) {
  if (IsLogged(LogLevel::kDebug)) {
    LogDebug("copy-up of node " + std::to_string(node.id) +
             (copy.has_data() ? ", contents of " + std::to_string(copy.object.data_size) + " bytes"
                              : std::string(", attributes")));
  }
  Counters::Add(copy.has_data() ? counters_.data_copy_ups : counters_.metadata_copy_ups);
  Counters::Add(counters_.bytes_copied_up, copy.object.data_size);
}

Sys<void> CopyUp::Whole(const NodeRef& node, uint64_t data_limit,
                        std::optional<uint64_t> truncate) {
  if (upper_ == nullptr) return Fail(EROFS);
  if (const NodeRef parent = paths_.Parent(*node)) VENEER_TRY_VOID(Attributes(parent));
  const BusyNodes::Guard guard(busy_, node->id, BusyNodes::Work::kCopyMeta);
  if (node->upper) return {};

  VENEER_TRY(Copy copy, Describe(*node, data_limit, truncate));
  copy.object.stop = [&] { return GivenUp(guard); };
  bool nameless = false;
  {
    const NodeReader reader(locks_, *node);
    if (copy.object.metacopy && reader->lower_path() != nullptr) {
      copy.object.redirect = *reader->lower_path();
    }
    nameless = node_names_.IsNameless(reader);
  }
  Count(*node, copy);
  VENEER_TRY(Upper::Staged staged, upper_->Stage(copy.object, nameless));
  return Publish(node, staged, copy.has_data());
}

Sys<void> CopyUp::Large(const NodeRef& node, std::optional<uint64_t> truncate,
                        const BusyNodes::Guard& guard) {
  VENEER_TRY(Copy copy, Describe(*node, UINT64_MAX, truncate));
  copy.object.stop = [&] { return node->upper || GivenUp(guard); };
  Sys<Upper::Staged> staged = upper_->Stage(copy.object);
  if (!staged && staged.error().code == EINTR && node->upper) return {};
  if (!staged) return Fail(staged.error());
  const ReaderLock names(names_.mutex());
  if (const NodeRef parent = paths_.Parent(*node)) VENEER_TRY_VOID(Attributes(parent));
  const BusyNodes::Guard meta(busy_, node->id, BusyNodes::Work::kCopyMeta);
  if (node->upper) return {};
  Count(*node, copy);
  return Publish(node, *staged, true);
}

Sys<std::vector<NodeName>> CopyUp::PublishNames(NodeWriter& writer, Upper::Staged& staged) {
  const Node& node = writer.node();
  std::vector<NodeName> names;
  if (writer->HasName()) names.push_back(writer->name);
  if (!node.linked_below) {
    VENEER_TRY(const SharedFd dir, paths_.UpperDirectory(*writer->name.parent));
    const TimesGuard times({dir->get()});
    VENEER_TRY_VOID(upper_->Publish(staged, {dir->get(), writer->name.name.c_str()}, false));
    return names;
  }
  if (writer->HasMoreNames()) {
    names.insert(names.end(), writer->rare->more.begin(), writer->rare->more.end());
  }
  LinkIndex& links = upper_->links();
  // The count first: a file that is in the index without one would have too few links.
  if (!links.Count(node.Identity())) {
    VENEER_TRY_VOID(links.SetCount(node.Identity(), node.lower_nlink));
  }
  const LinkName index_name(node.Identity());
  VENEER_TRY_VOID(upper_->Publish(staged, links.Place(index_name), false));
  links.Added(node.Identity());
  return names;
}

Sys<void> CopyUp::Publish(const NodeRef& node, Upper::Staged& staged, bool with_data) {
  std::vector<NodeName> names;
  bool in_index = false;
  {
    NodeWriter writer(locks_, *node);
    if (node_names_.IsNameless(writer)) {
      // Deleted, but still in use: it lives on without a name.
      using Use = Node::Location::Rare::Use;
      descriptors_.Pin(writer, std::make_shared<const Fd>(staged.ReleaseFd()),
                       node->type == FileType::kRegular ? Use::kWrite : Use::kPath);
    } else {
      VENEER_TRY(names, PublishNames(writer, staged));
      in_index = node->linked_below;
    }
    node->data_upper = with_data || node->type != FileType::kRegular;
    node->upper = true;
    node->sync_due.Again();
    descriptors_.Drop(*node);
  }
  if (in_index) {
    // The names that are known get an entry of their own, so that whoever does not know the index
    // finds most of the story in the upper.
    const LinkName index_name(node->Identity());
    for (const NodeName& name : names) {
      VENEER_TRY_VOID(Attributes(name.parent));
      VENEER_TRY(const SharedFd dir, paths_.UpperDirectory(*name.parent));
      const TimesGuard times({dir->get()});
      VENEER_TRY_VOID(
          sys::Link(upper_->links().Place(index_name), {dir->get(), name.name.c_str()}));
      MarkInUpper(name);
    }
    node->sync_due.Again();
    return {};
  }
  for (const NodeName& name : names) MarkInUpper(name);
  return {};
}

Sys<void> CopyUp::Contents(const NodeRef& node, std::optional<uint64_t> truncate) {
  if (upper_ == nullptr) return Fail(EROFS);
  if (node->data_upper) return {};
  const BusyNodes::Guard guard(busy_, node->id, BusyNodes::Work::kCopyData, options_.given_up);
  if (!guard.holds()) return Fail(EINTR);
  if (node->data_upper) return {};
  if (!node->upper) {
    VENEER_TRY(const Attr below, lower_.Stat(node->lower));
    if (std::min(below.size, truncate.value_or(below.size)) > kOneStepSize) {
      VENEER_TRY_VOID(Large(node, truncate, guard));
    } else {
      const ReaderLock names(names_.mutex());
      VENEER_TRY_VOID(Whole(node, kOneStepSize, truncate));
    }
    if (node->data_upper) return {};
  }
  return CompleteContents(node, truncate, guard);
}

namespace {

Sys<void> SetTimes(int fd, const CopyTimes::Times& times) {
  const timespec both[2] = {ToTimespec(times.atime), ToTimespec(times.mtime)};
  return sys::SetTimes({fd}, both);
}

// Makes a metadata-only file of `size` the hole again that it was.
Sys<void> Reset(int fd, uint64_t size) {
  VENEER_TRY_VOID(sys::Truncate(fd, 0));
  return sys::Truncate(fd, size);
}

// Writes the contents, cut or extended to `truncate`, into the metadata-only file `fd` of
// `old_size`.
Sys<void> Fill(const Upper& upper, const Content& content, int fd, uint64_t old_size,
               std::optional<uint64_t> truncate, FunctionRef<bool()> stop) {
  const uint64_t size = truncate.value_or(old_size);
  const uint64_t to_copy = std::min(old_size, size);
  if (content.fd) {
    VENEER_TRY_VOID(sys::CopyDataUnless(content.fd.get(), fd, to_copy, stop));
  } else {
    VENEER_TRY_VOID(sys::WriteAt(fd, content.bytes.substr(0, to_copy), 0));
  }
  if (size != old_size) VENEER_TRY_VOID(sys::Truncate(fd, size));
  if (upper.options().is_volatile) return {};
  return sys::SyncDataUnless(fd, to_copy, stop);
}

}  // namespace

Sys<void> CopyUp::CompleteContents(const NodeRef& node, std::optional<uint64_t> truncate,
                                   const BusyNodes::Guard& guard) {
  if (!node->has_lower) return Fail(EIO);  // a metadata-only file whose contents are missing
  VENEER_TRY(const Attr below, lower_.Stat(node->lower));
  BeforeCopying(below.size);
  Content content;  // what needs nothing of it must not fail for it
  if (truncate != uint64_t{0}) {
    VENEER_TRY(content, lower_.Open(node->lower));
  }
  Fd target;
  uint64_t size = 0;
  {
    const ReaderLock names(names_.mutex());
    const NodeReader reader(locks_, *node);
    VENEER_TRY(const UpperLocation where, paths_.InUpper(reader));
    VENEER_TRY(target, upper_->OpenFile(where.at(), O_RDWR));
    VENEER_TRY(const Attr attr, upper_->Stat({target.get()}));
    size = attr.size;
    copy_times_.Begin(node->id, {attr.atime, attr.mtime});
  }
  if (IsLogged(LogLevel::kDebug)) {
    LogDebug("copy-up of the contents of node " + std::to_string(node->id) +
             " after its attributes");
  }
  Counters::Add(counters_.data_copy_ups);
  Counters::Add(counters_.bytes_copied_up, std::min(size, truncate.value_or(size)));
  const Sys<void> filled =
      Fill(*upper_, content, target.get(), size, truncate, [&] { return GivenUp(guard); });

  const ReaderLock names(names_.mutex());
  const NodeWriter writer(locks_, *node);
  const CopyTimes::Times times = copy_times_.End(node->id);
  if (!filled) {
    // Above all when the disk is full: what was copied so far must not stay in the way.
    const Sys<void> emptied = Reset(target.get(), size);
    IgnoreError(emptied, "the contents are still those below, the next attempt writes them again");
    const Sys<void> dated = SetTimes(target.get(), times);
    IgnoreError(dated, "the failure of the copy is what counts");
    return filled;
  }
  VENEER_TRY_VOID(SetTimes(target.get(), times));
  VENEER_TRY_VOID(upper_->ClearMetacopy({target.get()}));
  node->data_upper = true;
  node->sync_due.Again();
  descriptors_.Drop(*node);
  return {};
}

}  // namespace veneer
