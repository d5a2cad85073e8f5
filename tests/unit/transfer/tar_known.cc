// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/transfer/tar_known.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace veneer {

namespace {

using Records = std::map<std::string, std::string>;

std::string Get(const TarFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

std::optional<std::string> Record(const Records& records, const std::string& key) {
  const auto found = records.find(key);
  return found == records.end() ? std::nullopt : std::optional(found->second);
}

// The PAX records that say the field.
std::vector<std::string> KeysOf(const std::string& field) {
  if (field == "user") return {"uname"};
  if (field == "group") return {"gname"};
  if (field == "device") return {"SCHILY.devmajor", "SCHILY.devminor"};
  if (field == "mtime" || field == "uid" || field == "gid") return {field};
  return {};
}

std::string Seconds(int64_t sec, int64_t nsec) {
  char text[64];
  std::snprintf(text, sizeof(text), "%lld+0.%09lld", static_cast<long long>(sec),
                static_cast<long long>(nsec));
  return text;
}

// What the header block alone says.
std::string InBlock(const TarBlock& block, const std::string& field) {
  if (field == "user") return block.user.empty() ? "(none)" : block.user;
  if (field == "group") return block.group.empty() ? "(none)" : block.group;
  if (field == "uid") return std::to_string(block.uid);
  if (field == "gid") return std::to_string(block.gid);
  if (field == "mtime") return Seconds(block.mtime, 0);
  if (field == "device") return std::to_string(block.major) + ":" + std::to_string(block.minor);
  return {};
}

// libarchive's pax_time() makes the seconds negative and then adds the fraction.
bool WrongTime(const TarDifference& d) {
  const std::optional<std::string> text = Record(d.head.records, "mtime");
  if (d.field != "mtime" || !text || (*text)[0] != '-') return false;
  const size_t dot = text->find('.');
  if (dot == std::string::npos) return false;
  std::string fraction = text->substr(dot + 1, 9);
  fraction.resize(9, '0');
  return d.theirs == Seconds(std::atoll(text->c_str()), std::atoll(fraction.c_str()));
}

// pax, "pax Extended Header": with typeflag g the records "shall affect all subsequent files".
bool GlobalHeader(const TarDifference& d) {
  bool global = false;
  for (const std::string& key : KeysOf(d.field)) {
    if (Record(d.head.records, key)) return false;
    global = global || Record(d.head.global, key);
  }
  return global && d.theirs == InBlock(d.head.block, d.field);
}

// The group's bits of a mode are the mask when there is one (acl(5)); libarchive puts the entries
// user::, group:: and other:: of the ACL there, whatever the header says.
bool ModeOfAcl(const TarDifference& d) {
  std::optional<std::string> text = Record(d.head.records, "SCHILY.acl.access");
  if (d.field != "mode" || !text) return false;
  unsigned mode = static_cast<unsigned>(std::atoi(d.ours.c_str()));
  std::replace(text->begin(), text->end(), '\n', ',');
  *text = "," + *text;
  const std::map<std::string, unsigned> shifts = {{",user::", 6}, {",group::", 3}, {",other::", 0}};
  for (const auto& [tag, shift] : shifts) {
    const size_t at = text->find(tag);
    if (at == std::string::npos) continue;
    mode &= ~(7U << shift);
    for (const char c : text->substr(at + tag.size(), 3)) {
      mode |= (c == 'r' ? 4U : c == 'w' ? 2U : c == 'x' ? 1U : 0U) << shift;
    }
  }
  return d.theirs == std::to_string(mode);
}

// acl_text.h: an ACL the kernel would not take is an error when its entry is imported. libarchive
// takes the parts of it that it understands.
bool RefusedAcl(const TarDifference& d) {
  auto refused = [&](const char* field, const char* key) {
    return Get(d.our_entry, field) == "malformed" && Record(d.head.records, key);
  };
  return ((d.field == "acl" || d.field == "mode") && refused("acl", "SCHILY.acl.access")) ||
         (d.field == "default acl" && refused("default acl", "SCHILY.acl.default"));
}

// IsHostXattr(): of the machine and not of the image.
bool Label(const TarDifference& d) {
  return d.field == "xattr security.selinux" && d.ours == "(none)" &&
         Record(d.head.records, "RHT.security.selinux") == d.theirs;
}

// GNU tar writes '%' as %25 and '=' as %3D after SCHILY.xattr. and reads them so.
bool EscapedXattr(const TarDifference& d) {
  if (!d.field.starts_with("xattr ")) return false;
  const std::string name = d.field.substr(6);
  for (const auto& [key, value] : d.head.records) {
    if (!key.starts_with("SCHILY.xattr.")) continue;
    const std::string raw = key.substr(13);
    std::string meant;
    for (size_t i = 0; i < raw.size(); ++i) {
      const std::string escape = raw.substr(i, 3);
      const bool percent = escape == "%25";
      const bool equals = escape == "%3D" || escape == "%3d";
      meant += percent ? '%' : equals ? '=' : raw[i];
      if (percent || equals) i += 2;
    }
    if (meant == raw) continue;
    // One of the two names, with this value for the reader that has it so.
    if (name == raw && d.theirs == value) return true;
    if (name == meant && d.ours == value) return true;
  }
  return false;
}

// pax, "pax Extended Header": an empty value deletes what was said before.
bool EmptyRecord(const TarDifference& d) {
  const bool time = d.field == "mtime";
  if (!time && d.field != "uid" && d.field != "gid" && d.field != "device") return false;
  bool empty = false;
  for (const std::string& key : KeysOf(d.field)) empty = empty || Record(d.head.records, key) == "";
  if (d.field == "device") return empty && (d.theirs.starts_with("0:") || d.theirs.ends_with(":0"));
  return empty && d.theirs == (time ? Seconds(0, 0) : "0");
}

// POSIX.1-2001 lets a link carry data, POSIX.1-1988 does not, and writers put a size there either
// way. TarParser skips it unless it looks like a header, as it is for GNU tar, Python and Go;
// libarchive goes by the format that it takes the archive for.
bool DataOfHardLink(const TarDifference& d) {
  auto has_data = [](const TarHead& head) { return head.block.type == '1' && head.size > 0; };
  return d.field == "list" &&
         (has_data(d.before) || (has_data(d.head) && d.theirs == "data: Truncated tar archive"));
}

// archive_entry_copy_link() gives a link a target, but an entry whose header has none is no link
// for it. Go leaves the header's empty when none of its letters is of ASCII.
bool LinkOfRecords(const TarDifference& d) {
  const char type = d.head.block.type;
  if (!d.head.block.link.empty() || (type != '1' && type != '2')) return false;
  if (d.field == "link") return d.theirs == "(none)";
  return type == '1' && Get(d.their_entry, "type") == "8" && Get(d.their_entry, "size") == "0" &&
         (d.field == "type" || d.field == "size" || d.field == "contents");
}

// Only type '0' may be sparse for it, not the old '\0' nor '7'.
bool SparseOfOtherType(const TarDifference& d) {
  const auto sparse = d.head.records.lower_bound("GNU.sparse.");
  return d.field == "list" && d.theirs == "header: Non-regular file cannot be sparse" &&
         d.head.block.type != '0' && Get(d.our_entry, "type") == "8" &&
         sparse != d.head.records.end() && sparse->first.starts_with("GNU.sparse.");
}

// What its archive_read_format_tar_bid() asks of the first header, beyond a checksum: a letter or a
// digit for a type, and a number in every field for one, even those of a device in what is none.
bool FirstHeader(const TarDifference& d) {
  if (d.field != "list" || d.index != 0 || d.theirs != "open: Unrecognized archive format") {
    return false;
  }
  const std::string block = d.archive.substr(0, kTarBlock);
  const char type = block[156];
  if (type != '\0' && !(type >= '0' && type <= '9') && !(type >= 'A' && type <= 'Z') &&
      !(type >= 'a' && type <= 'z')) {
    return true;
  }
  struct Number {
    size_t at;
    size_t size;
  };
  for (const Number n :
       {Number{100, 8}, {108, 8}, {116, 8}, {124, 12}, {136, 12}, {329, 8}, {337, 8}}) {
    const std::string field = block.substr(n.at, n.size);
    if (field[0] == '\x80' || field[0] == '\xff' || field[0] == '\0') continue;
    const size_t digits = std::min(field.find_first_not_of(' '), field.size());
    const size_t end = std::min(field.find_first_not_of("01234567", digits), field.size());
    if (field.find_first_not_of(std::string_view(" \0", 2), end) != std::string::npos) return true;
  }
  return false;
}

// The contents of the last file are all there, but not what fills their block. `umoci insert`
// writes it and Go, so Docker, reads it; the others complain at its end.
bool NoPadding(const TarDifference& d) {
  return d.field == "list" && d.theirs.starts_with("data: Truncated input file") &&
         d.archive.size() % kTarBlock != 0;
}

struct Known {
  const char* why;
  bool (*fits)(const TarDifference&);
};

// "libarchive" is 3.6.2, Debian 12's.
const Known kKnown[] = {
    {"libarchive reads times before 1970 wrong", WrongTime},
    {"libarchive ignores global PAX headers", GlobalHeader},
    {"libarchive takes the mode from the ACL", ModeOfAcl},
    {"an ACL that is refused later", RefusedAcl},
    {"a SELinux label, left out on purpose", Label},
    {"libarchive does not unescape the names of extended attributes", EscapedXattr},
    {"libarchive takes an empty PAX value for 0", EmptyRecord},
    {"libarchive and TarParser differ in the data of a hard link", DataOfHardLink},
    {"libarchive misses a link whose target is in an extended header alone", LinkOfRecords},
    {"libarchive refuses sparse files of other types", SparseOfOtherType},
    {"libarchive refuses the first header", FirstHeader},
    {"libarchive wants the padding of the last file", NoPadding},
};

}  // namespace

const char* WhyKnown(const TarDifference& difference) {
  for (const Known& known : kKnown) {
    if (known.fits(difference)) return known.why;
  }
  return nullptr;
}

}  // namespace veneer
