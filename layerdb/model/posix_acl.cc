// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/posix_acl.h"

namespace veneer {

namespace {

constexpr size_t kHeaderSize = 4;
constexpr size_t kEntrySize = 8;
constexpr uint32_t kVersion = 2;

uint32_t Load(std::string_view data, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(data[at + i])) << (8 * i);
  }
  return value;
}

void Append(std::string* out, uint32_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) *out += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

std::optional<std::vector<AclEntry>> DecodeAcl(std::string_view value) {
  if (value.size() < kHeaderSize || (value.size() - kHeaderSize) % kEntrySize != 0 ||
      Load(value, 0, 4) != kVersion) {
    return std::nullopt;
  }
  std::vector<AclEntry> entries;
  for (size_t at = kHeaderSize; at < value.size(); at += kEntrySize) {
    entries.push_back({static_cast<uint16_t>(Load(value, at, 2)),
                       static_cast<uint16_t>(Load(value, at + 2, 2)), Load(value, at + 4, 4)});
  }
  return entries;
}

std::string EncodeAcl(std::span<const AclEntry> entries) {
  std::string out;
  Append(&out, kVersion, 4);
  for (const AclEntry& entry : entries) {
    Append(&out, entry.tag, 2);
    Append(&out, entry.perm, 2);
    Append(&out, entry.id, 4);
  }
  return out;
}

namespace {

bool IsNamed(const AclEntry& entry) { return entry.tag == kAclUser || entry.tag == kAclGroup; }

bool IsKnown(const AclEntry& entry) {
  return IsNamed(entry) || entry.tag == kAclUserObj || entry.tag == kAclGroupObj ||
         entry.tag == kAclMask || entry.tag == kAclOther;
}

bool IsWellFormed(std::span<const AclEntry> entries) {
  if (entries.empty()) return true;  // none
  unsigned seen = 0;
  uint32_t last = 0;
  for (const AclEntry& entry : entries) {
    // The tags ascend, and only those that name somebody come again.
    if (entry.tag < last || (entry.tag == last && !IsNamed(entry))) return false;
    if (!IsKnown(entry) || entry.perm > 7) return false;
    if (IsNamed(entry) && entry.id == kAclNoId) return false;
    seen |= entry.tag;
    last = entry.tag;
  }
  constexpr unsigned kOwners = kAclUserObj | kAclGroupObj | kAclOther;
  return (seen & kOwners) == kOwners &&
         ((seen & (kAclUser | kAclGroup)) == 0 || (seen & kAclMask) != 0);
}

// The entries that stand for the three classes of a mode; null: there is none.
struct ClassEntries {
  AclEntry* owner = nullptr;
  AclEntry* group = nullptr;  // the mask, where there is one
  AclEntry* others = nullptr;
  bool extended = false;
};

ClassEntries ClassesOf(std::vector<AclEntry>& entries) {
  ClassEntries out;
  for (AclEntry& entry : entries) {
    switch (entry.tag) {
      case kAclUserObj: out.owner = &entry; break;
      case kAclOther: out.others = &entry; break;
      case kAclGroupObj:
        if (out.group == nullptr) out.group = &entry;
        break;
      case kAclMask: out.group = &entry; [[fallthrough]];
      default: out.extended = true;
    }
  }
  return out;
}

// nullopt: no ACL, or an empty one.
std::optional<std::vector<AclEntry>> EntriesOf(std::string_view access) {
  std::optional<std::vector<AclEntry>> entries = DecodeAcl(access);
  if (!entries || entries->empty() || !IsWellFormed(*entries)) return std::nullopt;
  return entries;
}

}  // namespace

bool IsWellFormedAcl(std::string_view value) {
  const std::optional<std::vector<AclEntry>> entries = DecodeAcl(value);
  return entries && IsWellFormed(*entries);
}

std::optional<AclPermissions> PermissionsOfAcl(std::string_view access) {
  std::optional<std::vector<AclEntry>> entries = EntriesOf(access);
  if (!entries) return std::nullopt;
  const ClassEntries classes = ClassesOf(*entries);
  return AclPermissions{static_cast<uint32_t>(classes.owner->perm << 6 | classes.group->perm << 3 |
                                              classes.others->perm),
                        classes.extended};
}

std::optional<std::string> AclWithMode(std::string_view access, uint32_t mode) {
  std::optional<std::vector<AclEntry>> entries = EntriesOf(access);
  if (!entries) return std::nullopt;
  const ClassEntries classes = ClassesOf(*entries);
  classes.owner->perm = mode >> 6 & 7;
  classes.group->perm = mode >> 3 & 7;
  classes.others->perm = mode & 7;
  return EncodeAcl(*entries);
}

std::optional<InheritedAcl> InheritAcl(std::string_view default_acl, uint32_t mode, FileType type) {
  std::optional<std::vector<AclEntry>> entries = DecodeAcl(default_acl);
  if (!entries) return std::nullopt;
  bool has_group = false;
  for (const AclEntry& entry : *entries) {
    if (!IsKnown(entry)) return std::nullopt;
    has_group = has_group || entry.tag == kAclGroupObj;
  }
  if (!has_group) return std::nullopt;
  const ClassEntries classes = ClassesOf(*entries);
  uint32_t bits = mode & 0777;
  // An entry of a class keeps what the mode asks for, and the mode keeps what the entry allows.
  const auto meet = [&](AclEntry* entry, unsigned shift) {
    if (entry == nullptr) return;
    entry->perm &= bits >> shift & 7;
    bits = (bits & ~(7U << shift)) | static_cast<uint32_t>(entry->perm) << shift;
  };
  meet(classes.owner, 6);
  meet(classes.group, 3);
  meet(classes.others, 0);
  InheritedAcl out;
  out.mode = (mode & ~0777U) | bits;
  if (classes.extended) out.access = EncodeAcl(*entries);
  if (type == FileType::kDirectory) out.default_acl = std::string(default_acl);
  return out;
}

}  // namespace veneer
