// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/writer.h"

#include <algorithm>
#include <utility>

#include "layerdb/tar/acl_text.h"
#include "layerdb/tar/pax.h"

namespace veneer {

namespace {

constexpr size_t kNameField = 100;
constexpr size_t kPrefixField = 155;

char TypeFlag(const TarOutput& entry) {
  if (entry.hard_link) return '1';
  switch (entry.attr.type) {
    case FileType::kSymlink: return '2';
    case FileType::kCharDevice: return '3';
    case FileType::kBlockDevice: return '4';
    case FileType::kDirectory: return '5';
    case FileType::kFifo: return '6';
    default: return '0';
  }
}

// RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF.
bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<uint8_t>(text[i]);
    size_t more = 0;
    uint32_t point = c;
    if (c < 0x80) {
      ++i;
      continue;
    }
    if (c >= 0xc2 && c < 0xe0) {
      more = 1;
      point = c & 0x1f;
    } else if (c >= 0xe0 && c < 0xf0) {
      more = 2;
      point = c & 0x0f;
    } else if (c >= 0xf0 && c < 0xf5) {
      more = 3;
      point = c & 0x07;
    } else {
      return false;
    }
    if (text.size() - i <= more) return false;
    for (size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<uint8_t>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    constexpr uint32_t kLowest[] = {0, 0x80, 0x800, 0x10000};
    if (point < kLowest[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

// Splits a path for the two name fields; false when it does not fit.
bool SplitName(std::string_view path, std::string_view* prefix, std::string_view* name) {
  *prefix = {};
  *name = path;
  if (path.size() <= kNameField) return true;
  if (path.size() > kPrefixField + 1 + kNameField) return false;
  // The last slash that leaves a name behind it and a prefix that fits.
  size_t slash = path.rfind('/', std::min(kPrefixField, path.size() - 2));
  if (slash == std::string_view::npos || slash == 0) return false;
  *prefix = path.substr(0, slash);
  *name = path.substr(slash + 1);
  return name->size() <= kNameField;
}

std::string SparseMap(std::vector<SparseExtent> extents, uint64_t size) {
  // GNU tar gives a file that ends in a hole its size from an empty extent at the end.
  if (extents.empty() || extents.back().offset + extents.back().size < size) {
    extents.push_back({size, 0});
  }
  std::string map = std::to_string(extents.size()) + "\n";
  for (const SparseExtent& extent : extents) {
    map += std::to_string(extent.offset) + "\n" + std::to_string(extent.size) + "\n";
  }
  map.append(TarPadding(map.size()), '\0');
  return map;
}

// The name GNU tar gives a sparse file for readers that do not know the format.
std::string SparseAlias(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string dir(slash == std::string_view::npos ? "." : path.substr(0, slash));
  return dir + "/GNUSparseFile.0/" +
         std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

// An ACL is written in both forms, as GNU tar does: bsdtar and star read the text, and what unpacks
// images knows extended attributes alone. Without its ACL a file would give its group the rights of
// the mask.
std::string XattrRecord(const Xattr& xattr) {
  const std::string& name = xattr.first;
  std::string record;
  if (name == kAclAccess || name == kAclDefault) {
    const std::optional<std::string> text = AclToText(xattr.second);
    if (text && !text->empty()) {
      record = PaxRecord(name == kAclAccess ? "SCHILY.acl.access" : "SCHILY.acl.default", *text);
    }
  }
  return record + PaxRecord(PaxXattrKey(name), xattr.second);
}

}  // namespace

std::string EncodeTarEntry(const TarOutput& entry) {
  const Attr& attr = entry.attr;
  std::string path(entry.path.empty() ? std::string_view("./") : entry.path);
  const bool directory = attr.type == FileType::kDirectory && !entry.hard_link;
  if (directory && !path.ends_with('/')) path += '/';

  TarBlockFields fields;
  fields.type = TypeFlag(entry);
  fields.mode = attr.mode;
  std::string pax;
  bool binary = false;
  auto long_text = [&](std::string_view key, std::string_view value) {
    binary = binary || !IsUtf8(value);
    pax += PaxRecord(key, value);
  };
  auto number = [&](std::string_view key, uint64_t value, size_t width) -> uint64_t {
    if (FitsOctal(value, width)) return value;
    pax += PaxRecord(key, std::to_string(value));
    return 0;
  };

  std::string map;
  std::string alias;
  uint64_t size = attr.type == FileType::kRegular && !entry.hard_link ? attr.size : 0;
  if (entry.sparse != nullptr) {
    map = SparseMap(*entry.sparse, size);
    pax += PaxRecord("GNU.sparse.major", "1");
    pax += PaxRecord("GNU.sparse.minor", "0");
    long_text("GNU.sparse.name", path);
    pax += PaxRecord("GNU.sparse.realsize", std::to_string(size));
    size = map.size();
    for (const SparseExtent& extent : *entry.sparse) size += extent.size;
    alias = SparseAlias(path);
    path.swap(alias);
  }
  if (!SplitName(path, &fields.prefix, &fields.name)) {
    if (entry.sparse == nullptr) long_text("path", path);
    fields.prefix = {};
    fields.name = std::string_view(path).substr(0, kNameField);
  }
  if (!entry.link.empty()) {
    if (entry.link.size() > kNameField) long_text("linkpath", entry.link);
    fields.link = entry.link.substr(0, kNameField);
  }
  fields.size = number("size", size, 12);
  fields.uid = number("uid", attr.uid, 8);
  fields.gid = number("gid", attr.gid, 8);
  if (attr.type == FileType::kCharDevice || attr.type == FileType::kBlockDevice) {
    fields.major = number("SCHILY.devmajor", attr.rdev_major, 8);
    fields.minor = number("SCHILY.devminor", attr.rdev_minor, 8);
  }
  const Timestamp& mtime = attr.mtime;
  const bool plain_time = mtime.nsec == 0 && mtime.sec >= 0 &&
                          FitsOctal(static_cast<uint64_t>(std::max<int64_t>(mtime.sec, 0)), 12);
  if (!plain_time) pax += PaxRecord("mtime", FormatPaxTime(mtime));
  const auto whole = static_cast<uint64_t>(std::max<int64_t>(mtime.sec, 0));
  fields.mtime = FitsOctal(whole, 12) ? whole : 0;
  if (entry.xattrs != nullptr) {
    for (const Xattr& xattr : *entry.xattrs) pax += XattrRecord(xattr);
  }

  std::string out;
  if (!pax.empty()) {
    // Readers that convert character sets must leave these bytes alone.
    if (binary) pax.insert(0, PaxRecord("hdrcharset", "BINARY"));
    TarBlockFields header;
    header.type = 'x';
    header.name = "PaxHeaders/entry";
    header.mode = 0644;
    header.size = pax.size();
    out += EncodeTarBlock(header);
    out += pax;
    out.append(TarPadding(pax.size()), '\0');
  }
  out += EncodeTarBlock(fields);
  out += map;
  return out;
}

const XattrList* InheritedAcls::Undo(const TarOutput& entry) {
  static const XattrList kNone;
  if (entry.hard_link || entry.attr.type == FileType::kSymlink) return entry.xattrs;
  const XattrList& own = entry.xattrs != nullptr ? *entry.xattrs : kNone;
  const auto has = [&](std::string_view name) {
    return std::any_of(own.begin(), own.end(), [&](const Xattr& one) { return one.first == name; });
  };
  const bool directory = entry.attr.type == FileType::kDirectory;
  const bool has_default = directory && has(kAclDefault);
  if (has_default) defaults_.emplace(entry.path);
  if (entry.path.empty() || defaults_.empty()) return entry.xattrs;
  const size_t slash = entry.path.rfind('/');
  const std::string_view parent = entry.path.substr(0, slash == std::string_view::npos ? 0 : slash);
  if (!defaults_.contains(parent)) return entry.xattrs;
  list_ = own;
  if (!has(kAclAccess)) list_.emplace_back(kAclAccess, kEmptyAcl);
  if (directory && !has_default) list_.emplace_back(kAclDefault, kEmptyAcl);
  std::sort(list_.begin(), list_.end());
  return &list_;
}

std::string TarEndMark() { return std::string(2 * kTarBlock, '\0'); }

std::vector<SparseExtent> DataExtents(const std::vector<SparseExtent>& zero_runs, uint64_t size,
                                      bool* sparse) {
  std::vector<SparseExtent> out;
  uint64_t at = 0;
  uint64_t holes = 0;
  for (const SparseExtent& run : zero_runs) {
    if (run.size < kSparseRun) continue;
    holes += run.size;
    if (run.offset > at) out.push_back({at, run.offset - at});
    at = run.offset + run.size;
  }
  *sparse = holes >= kMinHoles;
  if (!*sparse) return {};
  if (at < size) out.push_back({at, size - at});
  return out;
}

}  // namespace veneer
