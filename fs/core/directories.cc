// SPDX-License-Identifier: Apache-2.0
//
// Lookup and listings.
#include "fs/core/parts.h"

namespace veneer {

namespace {
constexpr uint64_t kDotCookie = 1;
constexpr uint64_t kDotDotCookie = 2;
static_assert(kDotDotCookie < DirTable::kFirstCookie);
}  // namespace

Sys<Entry> UnionFs::Lookup(NodeId parent, std::string_view name) {
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(parent));
  if (name.size() > kMaxName) return Fail(ENAMETOOLONG);
  const ReaderLock names(parts.names.mutex());
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable::Child* child = dir->directory->table().Find(name);
  if (child == nullptr || !child->visible) return Entry{};
  Entry entry;
  const auto node = parts.children.Acquire(dir, *child, &entry.attr);
  if (!node && !child->visible) return Entry{};
  if (!node) return Fail(node.error());
  entry.node = (*node)->id;
  return entry;
}

Sys<void> UnionFs::ReadDir(NodeId id, uint64_t cookie, FunctionRef<bool(const DirEntry&)> sink) {
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(id));
  const ReaderLock names(parts.names.mutex());
  if (dir->removed) return {};
  const NodeRef parent = parts.paths.Parent(*dir);
  const uint64_t parent_ino = parent ? parent->ino : dir->ino;
  if (cookie < kDotCookie && !sink({".", dir->ino, FileType::kDirectory, kDotCookie})) {
    return {};
  }
  if (cookie < kDotDotCookie && !sink({"..", parent_ino, FileType::kDirectory, kDotDotCookie})) {
    return {};
  }
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable& table = dir->directory->table();
  for (size_t place = table.After(cookie); place < table.places(); ++place) {
    DirTable::Child& child = table.At(place);
    if (!child.visible) continue;
    if (child.ino == 0) {
      // A file of the upper may have the number of what it was copied up from; only looking tells.
      const auto node = parts.children.Acquire(dir, child, nullptr);
      if (node) parts.nodes.Release((*node)->id, 1);
      if (!child.visible) continue;
    }
    if (!sink({child.name(), child.ino, child.type, child.cookie})) return {};
  }
  return {};
}

Sys<void> UnionFs::ReadDirPlus(NodeId id, uint64_t cookie,
                               FunctionRef<bool(const DirEntry&, const Entry&)> sink) {
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(id));
  const ReaderLock names(parts.names.mutex());
  if (dir->removed) return {};
  Entry none;
  none.attr.type = FileType::kDirectory;
  none.attr.ino = dir->ino;
  if (cookie < kDotCookie && !sink({".", none.attr.ino, FileType::kDirectory, kDotCookie}, none)) {
    return {};
  }
  const NodeRef parent = parts.paths.Parent(*dir);
  none.attr.ino = parent ? parent->ino : dir->ino;
  if (cookie < kDotDotCookie &&
      !sink({"..", none.attr.ino, FileType::kDirectory, kDotDotCookie}, none)) {
    return {};
  }
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable& table = dir->directory->table();
  for (size_t place = table.After(cookie); place < table.places(); ++place) {
    DirTable::Child& child = table.At(place);
    if (!child.visible) continue;
    Entry entry;
    const auto node = parts.children.Acquire(dir, child, &entry.attr);
    if (!child.visible) continue;
    if (node) entry.node = (*node)->id;
    const bool taken = sink({child.name(), child.ino, child.type, child.cookie}, entry);
    if (!taken) {
      if (node) parts.nodes.Release(entry.node, 1);
      return {};
    }
  }
  return {};
}

}  // namespace veneer
