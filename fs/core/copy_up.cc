// SPDX-License-Identifier: Apache-2.0
//
// Copy-up: bringing an object of the lower tree into the upper before it changes.
//
// A small file goes in one step. So does a large one that is written: its contents are copied into a file without a name,
// without any lock that others need, and the name comes last; whoever is killed meanwhile leaves nothing. When the attributes
// come first (somebody changes them, before or during that copy), the contents follow in a second step: the copy is a
// metadata-only one, whose contents are still read from below, until they are all in that same inode and the mark is
// cleared. A crash in between leaves a valid metadata-only copy.
#include "fs/core/state.h"
#include "layerdb/base/stepped_copy.h"
#include "layerdb/layer/marks.h"

namespace veneer {

namespace {
// Up to this size contents are copied together with the attributes, under State::names.
constexpr uint64_t kOneStepSize = 256 * 1024;
}  // namespace

void UnionFs::State::MarkInUpper(Node& parent, std::string_view name) {
  const std::lock_guard lock(parent.directory->mutex);
  if (!parent.directory->loaded) return;
  if (DirTable::Child* child = parent.directory->table.Find(name)) child->in_upper = true;
}

Sys<void> UnionFs::State::CopyUpMetaLocked(const NodeRef& node) {
  if (node->upper) return {};
  return CopyUpWholeLocked(node, 0, std::nullopt);
}

// No name leads to it, not even one of a multiply linked lower file that this node does not know of.
bool UnionFs::State::IsNamelessLocked(const Node& node) const {
  if (node.HasName()) return false;
  return !node.linked_below || upper->links().Count(node.Identity()).value_or(node.lower_nlink) == 0 ||
         node.removed;
}

struct UnionFs::State::Copy {
  NewObject object;
  Content content;  // what `object` borrows its contents from
  bool has_data() const { return object.type == FileType::kRegular && !object.metacopy; }
};

// What the upper object of a node that has none is to be: attributes, and contents of up to `data_limit` bytes.
Sys<UnionFs::State::Copy> UnionFs::State::DescribeCopy(const Node& node, uint64_t data_limit,
                                                       std::optional<uint64_t> truncate) {
  VENEER_TRY(const Attr attr, lower->Stat(node.lower));
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
  VENEER_TRY(object.xattrs, lower->ListXattrs(node.lower));
  if (attr.type == FileType::kSymlink) {
    VENEER_TRY(object.target, lower->ReadLink(node.lower));
  }
  if (attr.type == FileType::kRegular) {
    object.size = attr.size;
    const uint64_t size = truncate.value_or(attr.size), to_copy = std::min(attr.size, size);
    object.metacopy = to_copy > data_limit && upper->options().metacopy;
    if (!object.metacopy) {
      object.size = size;
      object.data_size = to_copy;
      if (object.data_size > 0) {
        BeforeCopying(object.data_size);
        VENEER_TRY(copy.content, lower->Open(node.lower));
        object.data_fd = copy.content.fd.get();
        object.data_bytes = copy.content.bytes;
      }
    }
  }
  return copy;
}

void UnionFs::State::CountCopy(const Copy& copy) {
  Counters::Add(copy.has_data() ? counters.data_copy_ups : counters.metadata_copy_ups);
  Counters::Add(counters.bytes_copied_up, copy.object.data_size);
}

// Makes the upper object of a node that has none: attributes, and contents of up to `data_limit` bytes.
Sys<void> UnionFs::State::CopyUpWholeLocked(const NodeRef& node, uint64_t data_limit,
                                            std::optional<uint64_t> truncate) {
  if (!upper) return Fail(EROFS);
  if (const NodeRef parent = ParentLocked(*node)) VENEER_TRY_VOID(CopyUpMetaLocked(parent));
  const BusyNodes::Guard guard(busy, node->id, BusyNodes::Work::kCopyMeta);
  if (node->upper) return {};

  VENEER_TRY(Copy copy, DescribeCopy(*node, data_limit, truncate));
  if (copy.object.metacopy && node->rare && node->rare->lower_path) {
    copy.object.redirect = *node->rare->lower_path;
  }
  copy.object.stop = [&] { return GivenUp(guard); };
  CountCopy(copy);
  const bool nameless = [&] {
    const std::shared_lock place(places.For(node->id));
    return IsNamelessLocked(*node);
  }();
  VENEER_TRY(Upper::Staged staged, upper->Stage(copy.object, nameless));
  return PublishCopyLocked(node, staged, copy.has_data());
}

bool UnionFs::State::GivenUp(const BusyNodes::Guard& guard) const {
  return options.given_up != nullptr && options.given_up() && !guard.IsWaitedFor();
}

// The same for a large file, contents and all, unless its attributes come into the upper meanwhile.
Sys<void> UnionFs::State::CopyUpLarge(const NodeRef& node, std::optional<uint64_t> truncate,
                                      const BusyNodes::Guard& guard) {
  VENEER_TRY(Copy copy, DescribeCopy(*node, UINT64_MAX, truncate));
  copy.object.stop = [&] { return node->upper || GivenUp(guard); };
  Sys<Upper::Staged> staged = upper->Stage(copy.object);
  if (!staged && staged.error().code == EINTR && node->upper) return {};
  if (!staged) return Fail(staged.error());
  const std::shared_lock lock(names);
  if (const NodeRef parent = ParentLocked(*node)) VENEER_TRY_VOID(CopyUpMetaLocked(parent));
  const BusyNodes::Guard meta(busy, node->id, BusyNodes::Work::kCopyMeta);
  if (node->upper) return {};
  CountCopy(copy);
  return PublishCopyLocked(node, *staged, true);
}

Sys<void> UnionFs::State::PublishCopyLocked(const NodeRef& node, Upper::Staged& staged,
                                            bool with_data) {
  std::vector<NodeName> names_of_node;
  {
    const std::unique_lock place(places.For(node->id));
    if (IsNamelessLocked(*node)) {
      // Deleted, but still in use: it lives on without a name.
      const bool is_file = node->type == FileType::kRegular;
      PinLocked(*node, std::make_shared<const Fd>(staged.TakeFd()),
                is_file ? Node::Rare::Use::kWrite : Node::Rare::Use::kPath);
    } else {
      if (node->HasName()) names_of_node.push_back({node->parent, node->name});
      if (node->rare && node->linked_below) {
        for (const NodeName& more : node->rare->more) names_of_node.push_back(more);
      }
      if (node->linked_below) {
        // The count first: a file that is in the index without one would have too few links.
        if (!upper->links().Count(node->Identity())) {
          VENEER_TRY_VOID(upper->links().SetCount(node->Identity(), node->lower_nlink));
        }
        const LinkName index_name(node->Identity());
        VENEER_TRY_VOID(upper->Publish(staged, upper->links().Place(index_name), false));
        upper->links().Added(node->Identity());
      } else {
        VENEER_TRY(const SharedFd dir, UpperDirLocked(*node->parent));
        const KeepTimes times({dir->get()});
        VENEER_TRY_VOID(upper->Publish(staged, {dir->get(), node->name.c_str()}, false));
      }
    }
    node->data_upper = with_data || node->type != FileType::kRegular;
    node->upper = true;
    node->sync_due.Again();
    DropFds(*node);
  }
  if (node->linked_below && !(node->rare && node->rare->pinned)) {
    // The names that are known get an entry of their own, so that the upper tells most of the story
    // to who does not know the index.
    const LinkName index_name(node->Identity());
    for (const NodeName& name : names_of_node) {
      VENEER_TRY_VOID(CopyUpMetaLocked(name.parent));
      VENEER_TRY(const SharedFd dir, UpperDirLocked(*name.parent));
      const KeepTimes times({dir->get()});
      VENEER_TRY_VOID(sys::Link(upper->links().Place(index_name), {dir->get(), name.name.c_str()}));
      MarkInUpper(*name.parent, name.name);
    }
    node->sync_due.Again();
    return {};
  }
  for (const NodeName& name : names_of_node) MarkInUpper(*name.parent, name.name);
  return {};
}

Sys<void> UnionFs::State::CopyUpData(const NodeRef& node, std::optional<uint64_t> truncate) {
  if (!upper) return Fail(EROFS);
  if (node->data_upper) return {};
  const BusyNodes::Guard guard(busy, node->id, BusyNodes::Work::kCopyData, options.given_up);
  if (!guard.holds()) return Fail(EINTR);
  if (node->data_upper) return {};
  if (!node->upper) {
    VENEER_TRY(const Attr below, lower->Stat(node->lower));
    if (std::min(below.size, truncate.value_or(below.size)) > kOneStepSize) {
      VENEER_TRY_VOID(CopyUpLarge(node, truncate, guard));
    } else {
      const std::shared_lock lock(names);
      VENEER_TRY_VOID(CopyUpWholeLocked(node, kOneStepSize, truncate));
    }
    if (node->data_upper) return {};
  }
  return CopyContents(node, truncate, guard);
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

// Writes the contents, cut or extended to `truncate`, into the metadata-only file `fd` of `old_size`.
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

Sys<void> UnionFs::State::CopyContents(const NodeRef& node, std::optional<uint64_t> truncate,
                                       const BusyNodes::Guard& guard) {
  if (!node->has_lower) return Fail(EIO);  // a metadata-only file whose contents are missing
  VENEER_TRY(const Attr below, lower->Stat(node->lower));
  BeforeCopying(below.size);
  Content content;  // what needs nothing of it must not fail for it
  if (truncate != uint64_t{0}) {
    VENEER_TRY(content, lower->Open(node->lower));
  }
  Fd target;
  uint64_t size = 0;
  {
    const std::shared_lock lock(names);
    const std::shared_lock place(places.For(node->id));
    VENEER_TRY(const UpperPlace where, UpperPlaceLocked(*node));
    VENEER_TRY(target, upper->OpenFile(where.at(), O_RDWR));
    VENEER_TRY(const Attr attr, upper->Stat({target.get()}));
    size = attr.size;
    copy_times.Begin(node->id, {attr.atime, attr.mtime});
  }
  Counters::Add(counters.data_copy_ups);
  Counters::Add(counters.bytes_copied_up, std::min(size, truncate.value_or(size)));
  const Sys<void> filled =
      Fill(*upper, content, target.get(), size, truncate, [&] { return GivenUp(guard); });

  const std::shared_lock lock(names);
  const std::unique_lock place(places.For(node->id));
  const CopyTimes::Times times = copy_times.End(node->id);
  if (!filled) {
    // Above all when the disk is full: what was copied so far must not stay in the way.
    const Sys<void> emptied = Reset(target.get(), size);
    IgnoreError(emptied, "the contents are still those below, the next attempt writes them again");
    const Sys<void> dated = SetTimes(target.get(), times);
    IgnoreError(dated, "the failure of the copy is what counts");
    return filled;
  }
  VENEER_TRY_VOID(SetTimes(target.get(), times));
  VENEER_TRY_VOID(upper->ClearMetacopy({target.get()}));
  node->data_upper = true;
  node->sync_due.Again();
  DropFds(*node);
  return {};
}

}  // namespace veneer
