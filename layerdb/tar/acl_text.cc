// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/acl_text.h"

#include <algorithm>
#include <vector>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

enum Tag : uint16_t {
  kUserObj = 0x01,
  kUser = 0x02,
  kGroupObj = 0x04,
  kGroup = 0x08,
  kMask = 0x10,
  kOther = 0x20,
};
constexpr uint32_t kVersion = 2;
constexpr uint32_t kNoId = UINT32_MAX;
constexpr size_t kMaxEntries = 8191;  // what fits an attribute of 64 KiB

struct AclEntry {
  uint16_t tag = 0;
  uint16_t perm = 0;
  uint32_t id = kNoId;
};

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const size_t at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<uint32_t> Number(std::string_view text) {
  const std::optional<uint32_t> value = ParseNumber<uint32_t>(text);
  return value != kNoId ? value : std::nullopt;
}

std::optional<uint16_t> Permissions(std::string_view text) {
  uint16_t perm = 0;
  for (const char c : text) {
    switch (c) {
      case 'r': perm |= 4; break;
      case 'w': perm |= 2; break;
      case 'x': perm |= 1; break;
      case '-': break;
      default: return std::nullopt;
    }
  }
  return perm;
}

// nullopt: malformed. An entry whose name nobody knows has tag 0.
std::optional<AclEntry> ParseEntry(std::string_view text, AclNameToId ids) {
  std::vector<std::string_view> field = Split(text, ':');
  for (std::string_view& f : field) f = Trim(f);
  if (!field.empty() && (field[0] == "default" || field[0] == "d")) field.erase(field.begin());
  if (field.size() < 2) return std::nullopt;
  AclEntry entry;
  // "mask" and "other" are also written with one colon less.
  const bool short_form = field.size() == 2;
  const std::string_view name = short_form ? std::string_view() : field[1];
  const std::optional<uint16_t> perm = Permissions(short_form ? field[1] : field[2]);
  if (!perm || field.size() > 4) return std::nullopt;
  entry.perm = *perm;
  const bool user = field[0] == "user" || field[0] == "u";
  if (user || field[0] == "group" || field[0] == "g") {
    if (short_form) return std::nullopt;
    entry.tag = user ? kUserObj : kGroupObj;
    if (name.empty()) return entry;
    entry.tag = user ? kUser : kGroup;
    // The fourth field is the id (star); else the name may be one.
    std::optional<uint32_t> id = field.size() == 4 ? Number(field[3]) : Number(name);
    if (field.size() == 4 && !id) return std::nullopt;
    if (!id) id = ids(user, name);
    if (id) {
      entry.id = *id;
    } else {
      entry.tag = 0;
    }
    return entry;
  }
  if (field[0] == "mask" || field[0] == "m") {
    entry.tag = kMask;
  } else if (field[0] == "other" || field[0] == "o") {
    entry.tag = kOther;
  } else {
    return std::nullopt;
  }
  if (!name.empty()) return std::nullopt;
  return entry;
}

void AppendLittle(std::string* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) *out += static_cast<char>(value >> (8 * i) & 0xff);
}

uint32_t Little(std::string_view data, size_t at, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(data[at + static_cast<size_t>(i)]))
             << (8 * i);
  }
  return value;
}

// posix_acl_valid() of the kernel: one of each of the three owners' entries, a mask where there are
// named ones, nobody twice. `entries` ascend.
bool IsValid(const std::vector<AclEntry>& entries) {
  size_t count[kOther + 1] = {};
  for (size_t i = 0; i < entries.size(); ++i) {
    ++count[entries[i].tag];
    if (i > 0 && entries[i].tag == entries[i - 1].tag && entries[i].id == entries[i - 1].id) {
      return false;
    }
  }
  const bool named = count[kUser] + count[kGroup] > 0;
  return count[kUserObj] == 1 && count[kGroupObj] == 1 && count[kOther] == 1 && count[kMask] <= 1 &&
         (!named || count[kMask] == 1);
}

}  // namespace

Result<std::string> AclFromText(std::string_view text, AclNameToId ids) {
  std::vector<AclEntry> entries;
  std::string lines(text);
  std::replace(lines.begin(), lines.end(), '\n', ',');
  for (std::string_view line : Split(lines, ',')) {
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::optional<AclEntry> entry = ParseEntry(line, ids);
    if (!entry || entries.size() == kMaxEntries) return MakeError("a malformed ACL");
    if (entry->tag != 0) entries.push_back(*entry);
  }
  std::sort(entries.begin(), entries.end(), [](const AclEntry& a, const AclEntry& b) {
    return a.tag != b.tag ? a.tag < b.tag : a.id < b.id;
  });
  if (entries.empty()) return std::string();
  if (!IsValid(entries)) return MakeError("a malformed ACL");
  std::string out;
  if (entries.size() == 3) return out;
  AppendLittle(&out, kVersion, 4);
  for (const AclEntry& entry : entries) {
    AppendLittle(&out, entry.tag, 2);
    AppendLittle(&out, entry.perm, 2);
    AppendLittle(&out, entry.id, 4);
  }
  return out;
}

std::optional<std::string> AclToText(std::string_view value) {
  if (value.size() < 4 || value.size() % 8 != 4 || Little(value, 0, 4) != kVersion) {
    return std::nullopt;
  }
  std::string out;
  for (size_t at = 4; at < value.size(); at += 8) {
    const uint32_t tag = Little(value, at, 2);
    const uint32_t perm = Little(value, at + 2, 2);
    if (!out.empty()) out += ',';
    switch (tag) {
      case kUserObj:
      case kUser: out += "user:"; break;
      case kGroupObj:
      case kGroup: out += "group:"; break;
      case kMask: out += "mask:"; break;
      case kOther: out += "other:"; break;
      default: return std::nullopt;
    }
    if (tag == kUser || tag == kGroup) out += std::to_string(Little(value, at + 4, 4));
    out += ':';
    out += (perm & 4) != 0 ? 'r' : '-';
    out += (perm & 2) != 0 ? 'w' : '-';
    out += (perm & 1) != 0 ? 'x' : '-';
  }
  return out;
}

}  // namespace veneer
