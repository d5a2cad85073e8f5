// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/records.h"

#include <algorithm>
#include <cstring>

#include "layerdb/index/load_value.h"

namespace veneer {
namespace {

constexpr size_t kHeadSize = 8;    // what a whiteout has
constexpr size_t kFixedSize = 48;  // what everything else has at least
constexpr size_t kTimeSize = 12;
constexpr size_t kDeviceSize = 8;
constexpr size_t kObjectSize = sizeof(Hash128) + 4;
constexpr size_t kXattrHead = 6;

template <class T>
void Append(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void AppendTime(std::string* out, const Timestamp& time) {
  Append<int64_t>(out, time.sec);
  Append<uint32_t>(out, time.nsec);
}

Timestamp LoadTime(std::string_view bytes, size_t at) {
  return {LoadValue<int64_t>(bytes, at), LoadValue<uint32_t>(bytes, at + 8)};
}

void AppendBigEndian(std::string* out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

// The type of a mode, where its type bits are one of the seven.
std::optional<FileType> StrictType(uint32_t mode) {
  const FileType type = TypeFromMode(mode);
  if (TypeBits(type) != (mode & 0170000)) return std::nullopt;
  return type;
}

bool XattrsAreWellFormed(std::string_view part) {
  while (!part.empty()) {
    if (part.size() < kXattrHead) return false;
    const size_t name = LoadValue<uint16_t>(part, 0);
    const size_t value = LoadValue<uint32_t>(part, 2);
    if (name == 0 || part.size() - kXattrHead < name || part.size() - kXattrHead - name < value) {
      return false;
    }
    part.remove_prefix(kXattrHead + name + value);
  }
  return true;
}

// Calls `sink` until it returns false. REQUIRES: XattrsAreWellFormed(part).
template <class Sink>
void WalkXattrs(std::string_view part, Sink sink) {
  while (!part.empty()) {
    const size_t name = LoadValue<uint16_t>(part, 0);
    const size_t value = LoadValue<uint32_t>(part, 2);
    if (!sink(part.substr(kXattrHead, name), part.substr(kXattrHead + name, value))) return;
    part.remove_prefix(kXattrHead + name + value);
  }
}

}  // namespace

std::string ObjectPath(const ObjectRef& ref) {
  std::string path = ToHex(ref.hash);
  path.insert(2, 1, '/');
  if (ref.seq > 0) path += "." + std::to_string(ref.seq);
  return path;
}

std::optional<ObjectRef> ParseObjectPath(std::string_view path) {
  constexpr size_t kHex = 2 * sizeof(Hash128);
  if (path.size() < kHex + 1 || path[2] != '/') return std::nullopt;
  std::string hex(path.substr(0, 2));
  hex += path.substr(3, kHex - 2);
  ObjectRef ref;
  if (!FromHex(hex, ref.hash.data(), ref.hash.size())) return std::nullopt;
  std::string_view rest = path.substr(kHex + 1);
  if (rest.empty()) return ref;
  if (rest.size() < 2 || rest.size() > 10 || rest[0] != '.' || rest[1] == '0') return std::nullopt;
  for (const char c : rest.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    ref.seq = ref.seq * 10 + static_cast<uint32_t>(c - '0');
  }
  return ref;
}

std::optional<EntryView> EntryView::Parse(std::string_view bytes) {
  if (bytes.size() < kHeadSize) return std::nullopt;
  const size_t length = LoadValue<uint32_t>(bytes, 0);
  if (length < kHeadSize || length > bytes.size()) return std::nullopt;
  EntryView view;
  view.bytes_ = bytes = bytes.substr(0, length);
  view.flags_ = LoadValue<uint16_t>(bytes, 6);
  if (view.whiteout()) return view;
  if (length < kFixedSize) return std::nullopt;
  const std::optional<FileType> type = StrictType(LoadValue<uint16_t>(bytes, 4));
  if (!type) return std::nullopt;
  view.type_ = *type;
  if (view.ino() < kIndexRootIno || view.ino() >= kIndexMaxIno) return std::nullopt;
  if ((view.opaque() || view.implied()) && *type != FileType::kDirectory) return std::nullopt;

  size_t at = kFixedSize;
  const auto take = [&](uint16_t flag, size_t size) {
    if ((view.flags_ & flag) == 0) return true;
    if (length - at < size) return false;
    at += size;
    return true;
  };
  if (!take(kRecordBlocks, 8) || !take(kRecordDevice, kDeviceSize) ||
      !take(kRecordAtime, kTimeSize) || !take(kRecordCtime, kTimeSize)) {
    return std::nullopt;
  }
  view.object_at_ = static_cast<uint32_t>(at);
  if (!take(kRecordObject, kObjectSize) || !take(kRecordSlice, 8)) return std::nullopt;
  if ((view.flags_ & kRecordXattrs) != 0) {
    if (length - at < 4) return std::nullopt;
    const size_t size = LoadValue<uint32_t>(bytes, at);
    at += 4;
    if (length - at < size) return std::nullopt;
    view.xattrs_ = bytes.substr(at, size);
    at += size;
    if (!XattrsAreWellFormed(view.xattrs_)) return std::nullopt;
  }
  const bool has_object = (view.flags_ & kRecordObject) != 0;
  const bool has_inline = (view.flags_ & kRecordInline) != 0;
  const std::optional<uint64_t> slice = view.slice();
  // No file is so large that its end could not be told.
  if (slice && (!has_object || *slice > INT64_MAX || view.size() > INT64_MAX - *slice)) {
    return std::nullopt;
  }
  if (has_inline) {
    if (length - at != view.size()) return std::nullopt;
    view.inline_ = bytes.substr(at);
  } else if (at != length) {
    return std::nullopt;
  }
  // A size without contents, or contents where there can be none, would be believed by a reader.
  if (*type == FileType::kRegular) {
    if (has_object == has_inline && !(view.size() == 0 && !has_object)) return std::nullopt;
  } else if (has_object || has_inline != (*type == FileType::kSymlink)) {
    return std::nullopt;
  }
  return view;
}

uint64_t EntryView::ino() const { return LoadValue<uint64_t>(bytes_, 8); }
uint32_t EntryView::nlink() const { return LoadValue<uint32_t>(bytes_, kNlinkOffset); }
uint64_t EntryView::size() const { return LoadValue<uint64_t>(bytes_, 16); }

Attr EntryView::attr() const {
  Attr attr;
  attr.type = type_;
  attr.mode = LoadValue<uint16_t>(bytes_, 4) & 07777;
  attr.ino = ino();
  attr.size = size();
  attr.mtime = LoadTime(bytes_, 24);
  attr.uid = LoadValue<uint32_t>(bytes_, 36);
  attr.gid = LoadValue<uint32_t>(bytes_, 40);
  attr.nlink = nlink();
  size_t at = kFixedSize;
  attr.blocks = type_ == FileType::kRegular ? DenseBlocks(attr.size) : 0;
  if ((flags_ & kRecordBlocks) != 0) {
    attr.blocks = LoadValue<uint64_t>(bytes_, at);
    at += 8;
  }
  if ((flags_ & kRecordDevice) != 0) {
    attr.rdev_major = LoadValue<uint32_t>(bytes_, at);
    attr.rdev_minor = LoadValue<uint32_t>(bytes_, at + 4);
    at += kDeviceSize;
  }
  attr.atime = attr.ctime = attr.mtime;
  if ((flags_ & kRecordAtime) != 0) {
    attr.atime = LoadTime(bytes_, at);
    at += kTimeSize;
  }
  if ((flags_ & kRecordCtime) != 0) attr.ctime = LoadTime(bytes_, at);
  return attr;
}

std::optional<ObjectRef> EntryView::object() const {
  if ((flags_ & kRecordObject) == 0) return std::nullopt;
  ObjectRef ref;
  std::memcpy(ref.hash.data(), bytes_.data() + object_at_, ref.hash.size());
  ref.seq = LoadValue<uint32_t>(bytes_, object_at_ + ref.hash.size());
  return ref;
}

std::optional<uint64_t> EntryView::slice() const {
  if ((flags_ & kRecordSlice) == 0) return std::nullopt;
  const size_t at = object_at_ + ((flags_ & kRecordObject) != 0 ? kObjectSize : 0);
  return LoadValue<uint64_t>(bytes_, at);
}

std::optional<std::string_view> EntryView::FindXattr(std::string_view name) const {
  std::optional<std::string_view> found;
  WalkXattrs(xattrs_, [&](std::string_view n, std::string_view value) {
    if (n == name) found = value;
    return !found.has_value();
  });
  return found;
}

void EntryView::ForEachXattr(
    FunctionRef<void(std::string_view name, std::string_view value)> sink) const {
  WalkXattrs(xattrs_, [&](std::string_view name, std::string_view value) {
    sink(name, value);
    return true;
  });
}

IndexEntry EntryView::ToEntry() const {
  IndexEntry entry;
  entry.whiteout = whiteout();
  if (entry.whiteout) return entry;
  entry.attr = attr();
  entry.opaque = opaque();
  entry.implied = implied();
  entry.has_atime = (flags_ & kRecordAtime) != 0;
  entry.has_ctime = (flags_ & kRecordCtime) != 0;
  entry.object = object();
  entry.slice = slice();
  (type_ == FileType::kSymlink ? entry.target : entry.inline_bytes) = inline_;
  ForEachXattr([&](std::string_view name, std::string_view value) {
    entry.xattrs.emplace_back(name, value);
  });
  return entry;
}

void AppendRecord(const IndexEntry& entry, std::string* out) {
  const size_t start = out->size();
  Append<uint32_t>(out, 0);  // the length, set below
  if (entry.whiteout) {
    Append<uint16_t>(out, 0);
    Append<uint16_t>(out, kRecordWhiteout);
  } else {
    const Attr& attr = entry.attr;
    const FileType type = attr.type;
    const bool symlink = type == FileType::kSymlink;
    const std::string& inline_bytes = symlink ? entry.target : entry.inline_bytes;
    const uint64_t size = symlink ? entry.target.size() : attr.size;
    const bool device = type == FileType::kCharDevice || type == FileType::kBlockDevice;
    const uint64_t usual_blocks = type == FileType::kRegular ? DenseBlocks(size) : 0;

    uint16_t flags = 0;
    if (entry.opaque) flags |= kRecordOpaque;
    if (entry.implied) flags |= kRecordImplied;
    if (attr.blocks != usual_blocks) flags |= kRecordBlocks;
    if (device) flags |= kRecordDevice;
    if (entry.has_atime) flags |= kRecordAtime;
    if (entry.has_ctime) flags |= kRecordCtime;
    if (entry.object) flags |= kRecordObject;
    if (entry.object && entry.slice) flags |= kRecordSlice;
    if (!entry.xattrs.empty()) flags |= kRecordXattrs;
    if (symlink || (type == FileType::kRegular && !entry.object && size > 0)) {
      flags |= kRecordInline;
    }
    Append<uint16_t>(out, static_cast<uint16_t>(TypeBits(type) | (attr.mode & 07777)));
    Append<uint16_t>(out, flags);
    Append<uint64_t>(out, attr.ino);
    Append<uint64_t>(out, size);
    AppendTime(out, attr.mtime);
    Append<uint32_t>(out, attr.uid);
    Append<uint32_t>(out, attr.gid);
    Append<uint32_t>(out, type == FileType::kDirectory ? 1 : attr.nlink);
    if ((flags & kRecordBlocks) != 0) Append<uint64_t>(out, attr.blocks);
    if (device) {
      Append<uint32_t>(out, attr.rdev_major);
      Append<uint32_t>(out, attr.rdev_minor);
    }
    if (entry.has_atime) AppendTime(out, attr.atime);
    if (entry.has_ctime) AppendTime(out, attr.ctime);
    if (entry.object) {
      out->append(reinterpret_cast<const char*>(entry.object->hash.data()),
                  entry.object->hash.size());
      Append<uint32_t>(out, entry.object->seq);
      if (entry.slice) Append<uint64_t>(out, *entry.slice);
    }
    if (!entry.xattrs.empty()) {
      std::vector<const Xattr*> sorted;
      sorted.reserve(entry.xattrs.size());
      for (const Xattr& xattr : entry.xattrs) sorted.push_back(&xattr);
      std::sort(sorted.begin(), sorted.end(),
                [](const Xattr* a, const Xattr* b) { return a->first < b->first; });
      const size_t length_at = out->size();
      Append<uint32_t>(out, 0);
      for (const Xattr* xattr : sorted) {
        Append<uint16_t>(out, static_cast<uint16_t>(xattr->first.size()));
        Append<uint32_t>(out, static_cast<uint32_t>(xattr->second.size()));
        out->append(xattr->first).append(xattr->second);
      }
      const auto length = static_cast<uint32_t>(out->size() - length_at - 4);
      std::memcpy(out->data() + length_at, &length, sizeof length);
    }
    if ((flags & kRecordInline) != 0) out->append(inline_bytes);
  }
  const auto length = static_cast<uint32_t>(out->size() - start);
  std::memcpy(out->data() + start, &length, sizeof length);
}

void SetRecordNlink(std::string* record, uint32_t nlink) {
  std::memcpy(record->data() + kNlinkOffset, &nlink, sizeof nlink);
}

std::string EntryKey(uint64_t dir, std::string_view name) {
  std::string key;
  key.reserve(8 + name.size());
  AppendBigEndian(&key, dir);
  return key.append(name);
}

std::string NameKey(uint64_t ino, uint64_t dir, std::string_view name) {
  std::string key;
  key.reserve(16 + name.size());
  AppendBigEndian(&key, kNameKeyBit | ino);
  AppendBigEndian(&key, dir);
  return key.append(name);
}

uint64_t LoadKeyNumber(std::string_view key, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(key[at + i]);
  return value;
}

bool IsValidName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || name == "." || name == "..") return false;
  return std::memchr(name.data(), '/', name.size()) == nullptr &&
         std::memchr(name.data(), '\0', name.size()) == nullptr;
}

}  // namespace veneer
