// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/posix_acl.h"

namespace veneer {

namespace {

constexpr size_t kHeaderSize = 4;
constexpr size_t kEntrySize = 8;
constexpr uint32_t kVersion = 2;

enum Tag : uint16_t {
  kUserObj = 0x01,
  kUser = 0x02,
  kGroupObj = 0x04,
  kGroup = 0x08,
  kMask = 0x10,
  kOther = 0x20,
};

uint32_t Load(std::string_view data, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(data[at + i])) << (8 * i);
  }
  return value;
}

bool HasHeader(std::string_view value) {
  return value.size() >= kHeaderSize && (value.size() - kHeaderSize) % kEntrySize == 0 &&
         Load(value, 0, 4) == kVersion;
}

}  // namespace

bool IsWellFormedAcl(std::string_view value) {
  if (!HasHeader(value)) return false;
  if (value.size() == kHeaderSize) return true;  // none
  unsigned seen = 0;
  uint32_t last = 0;
  for (size_t at = kHeaderSize; at < value.size(); at += kEntrySize) {
    const uint32_t tag = Load(value, at, 2);
    const bool named = tag == kUser || tag == kGroup;
    // The tags ascend, and only those that name somebody come again.
    if (tag < last || (tag == last && !named)) return false;
    if (tag != kUserObj && tag != kGroupObj && tag != kMask && tag != kOther && !named)
      return false;
    if (Load(value, at + 2, 2) > 7) return false;
    if (named && Load(value, at + 4, 4) == UINT32_MAX) return false;
    seen |= tag;
    last = tag;
  }
  constexpr unsigned kOwners = kUserObj | kGroupObj | kOther;
  return (seen & kOwners) == kOwners && ((seen & (kUser | kGroup)) == 0 || (seen & kMask) != 0);
}

namespace {

// Where the entries lie that stand for the three classes of a mode; 0: there is none.
struct ClassEntries {
  size_t owner = 0;
  size_t group = 0;  // the mask, where there is one
  size_t others = 0;
  bool extended = false;
};

std::optional<ClassEntries> ClassesOf(std::string_view acl) {
  if (!IsWellFormedAcl(acl) || acl.size() == kHeaderSize) return std::nullopt;
  ClassEntries out;
  // In order: the mask comes after the owning group.
  for (size_t at = kHeaderSize; at < acl.size(); at += kEntrySize) {
    switch (Load(acl, at, 2)) {
      case kUserObj: out.owner = at; break;
      case kOther: out.others = at; break;
      case kGroupObj: out.group = at; break;
      case kMask: out.group = at; [[fallthrough]];
      default: out.extended = true;
    }
  }
  return out;
}

}  // namespace

std::optional<AclPermissions> PermissionsOfAcl(std::string_view access) {
  const auto classes = ClassesOf(access);
  if (!classes) return std::nullopt;
  auto bits = [&](size_t at) { return Load(access, at + 2, 2) & 7; };
  return AclPermissions{
      bits(classes->owner) << 6 | bits(classes->group) << 3 | bits(classes->others),
      classes->extended};
}

std::optional<std::string> AclWithMode(std::string_view access, uint32_t mode) {
  const auto classes = ClassesOf(access);
  if (!classes) return std::nullopt;
  std::string out(access);
  out[classes->owner + 2] = static_cast<char>(mode >> 6 & 7);
  out[classes->group + 2] = static_cast<char>(mode >> 3 & 7);
  out[classes->others + 2] = static_cast<char>(mode & 7);
  return out;
}

std::optional<InheritedAcl> InheritAcl(std::string_view default_acl, uint32_t mode, FileType type) {
  if (!HasHeader(default_acl)) return std::nullopt;
  std::string access(default_acl);
  uint32_t bits = mode & 0777;
  size_t group_at = 0;
  size_t mask_at = 0;
  bool extended = false;
  // An entry of a class keeps what the mode asks for, and the mode keeps what the entry allows.
  auto meet = [&](size_t at, unsigned shift) {
    const uint32_t allowed = Load(access, at + 2, 2) & (bits >> shift) & 7;
    access[at + 2] = static_cast<char>(allowed);
    access[at + 3] = 0;
    bits = (bits & ~(7U << shift)) | allowed << shift;
  };
  for (size_t at = kHeaderSize; at < access.size(); at += kEntrySize) {
    switch (Load(access, at, 2)) {
      case kUserObj: meet(at, 6); break;
      case kOther: meet(at, 0); break;
      case kGroupObj: group_at = at; break;
      case kMask:
        mask_at = at;
        extended = true;
        break;
      case kUser:
      case kGroup: extended = true; break;
      default: return std::nullopt;
    }
  }
  if (group_at == 0) return std::nullopt;
  meet(mask_at != 0 ? mask_at : group_at, 3);
  InheritedAcl out;
  out.mode = (mode & ~0777U) | bits;
  if (extended) out.access = std::move(access);
  if (type == FileType::kDirectory) out.default_acl = std::string(default_acl);
  return out;
}

}  // namespace veneer
