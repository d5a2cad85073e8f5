// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/transfer/tar_readings.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "layerdb/base/hash.h"
#include "layerdb/base/zeros.h"
#include "layerdb/tar/acl_text.h"
#include "layerdb/tar/parser.h"

namespace veneer {

namespace {

// Contents and where they lie, whatever the pieces they come in.
class Contents {
 public:
  void Add(uint64_t offset, std::string_view data) {
    if (data.empty()) return;
    if (offset != end_) hash_.Update("@" + std::to_string(offset) + ";");
    hash_.Update(data);
    end_ = offset + data.size();
  }
  std::string Text() const { return ToHex(hash_.Finish()); }

 private:
  Xxh128Stream hash_;
  uint64_t end_ = 0;
};

// Extents that touch are one.
class Extents {
 public:
  void Add(uint64_t offset, uint64_t size) {
    if (size == 0) return;
    if (!all_.empty() && all_.back().offset + all_.back().size == offset) {
      all_.back().size += size;
    } else {
      all_.push_back({offset, size});
    }
  }
  // Empty for a file that is data from start to end.
  std::string Text(uint64_t file_size) const {
    if (all_.size() == 1 && all_[0] == SparseExtent{0, file_size}) return {};
    std::string out;
    for (const SparseExtent& e : all_) {
      out += std::to_string(e.offset) + "+" + std::to_string(e.size) + " ";
    }
    return out;
  }

 private:
  std::vector<SparseExtent> all_;
};

std::string TimeText(int64_t sec, uint32_t nsec) {
  char text[48];
  std::snprintf(text, sizeof(text), "%lld+0.%09u", static_cast<long long>(sec), nsec);
  return text;
}

void Put(TarFields* fields, const std::string& name, std::string value) {
  if (!value.empty()) (*fields)[name] = std::move(value);
}

// What the ACL means; one that cannot be stored stays text.
std::string AclValue(std::string_view text) {
  const Result<std::string> value =
      AclFromText(text, [](bool, std::string_view) { return std::optional<uint32_t>(); });
  if (!value) return "malformed";
  return AclToText(*value).value_or("");
}

TarFields FromOurs(const TarEntry& entry) {
  TarFields out;
  const Attr& attr = entry.attr;
  out["type"] = entry.hard_link ? std::string("link") : std::to_string(TypeBits(attr.type) >> 12);
  Put(&out, "path", entry.path);
  if (entry.hard_link || attr.type == FileType::kSymlink) Put(&out, "link", entry.link);
  out["mode"] = std::to_string(attr.mode);
  out["uid"] = std::to_string(attr.uid);
  out["gid"] = std::to_string(attr.gid);
  Put(&out, "user", entry.user);
  Put(&out, "group", entry.group);
  out["mtime"] = TimeText(attr.mtime.sec, attr.mtime.nsec);
  if (attr.type == FileType::kCharDevice || attr.type == FileType::kBlockDevice) {
    out["device"] = std::to_string(attr.rdev_major) + ":" + std::to_string(attr.rdev_minor);
  }
  if (attr.type == FileType::kRegular && !entry.hard_link) {
    out["size"] = std::to_string(attr.size);
    Extents extents;
    for (const SparseExtent& e : entry.extents) extents.Add(e.offset, e.size);
    Put(&out, "extents", extents.Text(attr.size));
    if (entry.sparse) out["~sparse"] = "yes";
  }
  for (const auto& [name, value] : entry.xattrs) out["xattr " + name] = value;
  if (entry.acl_access) Put(&out, "acl", AclValue(*entry.acl_access));
  if (entry.acl_default) Put(&out, "default acl", AclValue(*entry.acl_default));
  return out;
}

std::string OrEmpty(const char* text) { return text != nullptr ? text : ""; }

std::string LibarchiveAcl(struct archive_entry* entry, int type) {
  if ((archive_entry_acl_types(entry) & type) == 0) return {};
  const int style = ARCHIVE_ENTRY_ACL_STYLE_EXTRA_ID | ARCHIVE_ENTRY_ACL_STYLE_SEPARATOR_COMMA;
  char* text = archive_entry_acl_to_text(entry, nullptr, type | style);
  if (text == nullptr) return "malformed";
  std::string value = AclValue(text);
  std::free(text);
  return value;
}

TarFields FromLibarchive(struct archive_entry* entry) {
  TarFields out;
  const char* hard_link = archive_entry_hardlink(entry);
  const auto type = archive_entry_filetype(entry);
  out["type"] = hard_link != nullptr ? std::string("link") : std::to_string(type >> 12);
  Put(&out, "path", OrEmpty(archive_entry_pathname(entry)));
  Put(&out, "link", OrEmpty(hard_link != nullptr ? hard_link : archive_entry_symlink(entry)));
  out["mode"] = std::to_string(archive_entry_perm(entry) & 07777);
  out["uid"] = std::to_string(archive_entry_uid(entry));
  out["gid"] = std::to_string(archive_entry_gid(entry));
  Put(&out, "user", OrEmpty(archive_entry_uname(entry)));
  Put(&out, "group", OrEmpty(archive_entry_gname(entry)));
  out["mtime"] =
      TimeText(archive_entry_mtime(entry), static_cast<uint32_t>(archive_entry_mtime_nsec(entry)));
  if (hard_link == nullptr && (type == AE_IFCHR || type == AE_IFBLK)) {
    out["device"] = std::to_string(archive_entry_rdevmajor(entry)) + ":" +
                    std::to_string(archive_entry_rdevminor(entry));
  }
  if (hard_link == nullptr && type == AE_IFREG) {
    out["size"] = std::to_string(archive_entry_size(entry));
    Extents extents;
    la_int64_t offset = 0;
    la_int64_t size = 0;
    // After a reset to no pieces the iterator points nowhere.
    const bool whole = archive_entry_sparse_reset(entry) == 0;
    while (!whole && archive_entry_sparse_next(entry, &offset, &size) == ARCHIVE_OK) {
      extents.Add(static_cast<uint64_t>(offset), static_cast<uint64_t>(size));
    }
    const auto file_size = static_cast<uint64_t>(archive_entry_size(entry));
    if (!whole) Put(&out, "extents", extents.Text(file_size));
  }
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    // The latest comes first.
    out.emplace("xattr " + std::string(name), std::string(static_cast<const char*>(value), size));
  }
  Put(&out, "acl", LibarchiveAcl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS));
  Put(&out, "default acl", LibarchiveAcl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT));
  return out;
}

// The records of a PAX header that TarParser took.
void AddRecords(std::string_view body, std::map<std::string, std::string>* out) {
  while (!body.empty() && body[0] != '\0') {
    const size_t space = body.find(' ');
    const size_t length = std::strtoull(std::string(body.substr(0, space)).c_str(), nullptr, 10);
    const std::string_view record = body.substr(space + 1, length - space - 2);
    const size_t equals = record.find('=');
    (*out)[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    body.remove_prefix(length);
  }
}

// Walks over the headers of one entry. They begin at `start`, and what follows its own one, but for
// a map of old GNU sparse files, is at the returned place.
uint64_t ReadHead(std::string_view archive, uint64_t start, TarHead* head) {
  for (uint64_t at = start;; at += kTarBlock) {
    const std::string_view raw = archive.substr(at, kTarBlock);
    const TarBlock block = DecodeTarBlock(raw).value();
    if (std::string_view("xXgLKV").find(block.type) == std::string_view::npos) {
      head->block = block;
      const auto size = head->records.find("size");
      head->size = size == head->records.end() ? block.size
                                               : std::strtoull(size->second.c_str(), nullptr, 10);
      return at + kTarBlock;
    }
    const std::string_view body = archive.substr(at + kTarBlock, block.size);
    if (block.type == 'g') AddRecords(body, &head->global);
    if (block.type == 'x' || block.type == 'X') AddRecords(body, &head->records);
    at += block.size + TarPadding(block.size);
  }
}

// Where the next entry's headers begin, as TarParser reads it; `taken`: at the end of the map.
uint64_t EndOfEntry(std::string_view archive, const TarHead& head, uint64_t end_of_header,
                    uint64_t taken) {
  const char type = head.block.type;
  if (type >= '2' && type <= '6') return end_of_header;
  if (type == '1' && end_of_header + kTarBlock <= archive.size()) {
    const std::string_view next = archive.substr(end_of_header, kTarBlock);
    if (IsZero(next) || HasTarChecksum(next)) return end_of_header;
  }
  return (type == 'S' ? taken : end_of_header) + head.size + TarPadding(head.size);
}

struct FreeArchive {
  void operator()(struct archive* a) const { archive_read_free(a); }
};

}  // namespace

TarReading ReadWithTarParser(const std::string_view whole) {
  TarReading out;
  TarParser parser;
  Contents contents;
  std::string_view archive = whole;
  uint64_t start = 0;
  TarHead head;
  for (;;) {
    const Result<TarParser::Event> event = parser.Next(&archive);
    if (!event) {
      out.error = event.error().message();
      return out;
    }
    switch (*event) {
      case TarParser::Event::kNeedInput: {
        const Result<void> end = parser.Finish();
        if (!end) out.error = end.error().message();
        return out;
      }
      case TarParser::Event::kEntry:
        out.entries.push_back(FromOurs(parser.entry()));
        out.entries.back()["~start"] = std::to_string(start);
        head.records.clear();
        {
          const uint64_t end_of_header = ReadHead(whole, start, &head);
          start = EndOfEntry(whole, head, end_of_header, parser.position());
        }
        out.heads.push_back(head);
        contents = Contents();
        break;
      case TarParser::Event::kData: contents.Add(parser.data_offset(), parser.data()); break;
      case TarParser::Event::kEntryEnd:
        if (out.entries.back().contains("size")) out.entries.back()["contents"] = contents.Text();
        break;
      case TarParser::Event::kEnd: break;
    }
  }
}

TarReading ReadWithLibarchive(std::string_view archive) {
  // Otherwise it leaves out what has no place in the character set of "C".
  static const bool has_locale = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  TarReading out;
  if (!has_locale) out.error = "no locale C.UTF-8";
  if (!has_locale) return out;
  const std::unique_ptr<struct archive, FreeArchive> holder(archive_read_new());
  struct archive* a = holder.get();
  archive_read_support_format_tar(a);
  auto stopped = [&](const char* where) {
    out.error = where + OrEmpty(archive_error_string(a));
    return out;
  };
  if (archive_read_open_memory(a, archive.data(), archive.size()) != ARCHIVE_OK) {
    return stopped("open: ");
  }
  for (;;) {
    struct archive_entry* entry = nullptr;
    const int status = archive_read_next_header(a, &entry);
    if (status == ARCHIVE_EOF) return out;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return stopped("header: ");
    out.entries.push_back(FromLibarchive(entry));
    out.entries.back()["~start"] = std::to_string(archive_read_header_position(a));
    if (status == ARCHIVE_WARN) out.entries.back()["~warning"] = OrEmpty(archive_error_string(a));
    Contents contents;
    for (;;) {
      const void* data = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int read = archive_read_data_block(a, &data, &size, &offset);
      if (read == ARCHIVE_EOF) break;
      if (read != ARCHIVE_OK && read != ARCHIVE_WARN) return stopped("data: ");
      contents.Add(static_cast<uint64_t>(offset), {static_cast<const char*>(data), size});
    }
    if (out.entries.back().contains("size")) out.entries.back()["contents"] = contents.Text();
  }
}

}  // namespace veneer
