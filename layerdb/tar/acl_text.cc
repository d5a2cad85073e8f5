// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/acl_text.h"

#include <algorithm>
#include <vector>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

constexpr size_t kMaxEntries = 8191;  // what fits an attribute of 64 KiB

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
  return value != kAclNoId ? value : std::nullopt;
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
    entry.tag = user ? kAclUserObj : kAclGroupObj;
    if (name.empty()) return entry;
    entry.tag = user ? kAclUser : kAclGroup;
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
    entry.tag = kAclMask;
  } else if (field[0] == "other" || field[0] == "o") {
    entry.tag = kAclOther;
  } else {
    return std::nullopt;
  }
  if (!name.empty()) return std::nullopt;
  return entry;
}

// posix_acl_valid() of the kernel: one of each of the three owners' entries, a mask where there are
// named ones, nobody twice. `entries` ascend.
bool IsValid(const std::vector<AclEntry>& entries) {
  size_t count[kAclOther + 1] = {};
  for (size_t i = 0; i < entries.size(); ++i) {
    ++count[entries[i].tag];
    if (i > 0 && entries[i].tag == entries[i - 1].tag && entries[i].id == entries[i - 1].id) {
      return false;
    }
  }
  const bool named = count[kAclUser] + count[kAclGroup] > 0;
  return count[kAclUserObj] == 1 && count[kAclGroupObj] == 1 && count[kAclOther] == 1 &&
         count[kAclMask] <= 1 && (!named || count[kAclMask] == 1);
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
  return entries.size() == 3 ? std::string() : EncodeAcl(entries);
}

std::optional<std::string> AclToText(std::string_view value) {
  const std::optional<std::vector<AclEntry>> entries = DecodeAcl(value);
  if (!entries) return std::nullopt;
  std::string out;
  for (const auto& [tag, perm, id] : *entries) {
    if (!out.empty()) out += ',';
    switch (tag) {
      case kAclUserObj:
      case kAclUser: out += "user:"; break;
      case kAclGroupObj:
      case kAclGroup: out += "group:"; break;
      case kAclMask: out += "mask:"; break;
      case kAclOther: out += "other:"; break;
      default: return std::nullopt;
    }
    if (tag == kAclUser || tag == kAclGroup) out += std::to_string(id);
    out += ':';
    out += (perm & 4) != 0 ? 'r' : '-';
    out += (perm & 2) != 0 ? 'w' : '-';
    out += (perm & 1) != 0 ? 'x' : '-';
  }
  return out;
}

}  // namespace veneer
