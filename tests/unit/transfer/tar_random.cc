// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/transfer/tar_random.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/zeros.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/pax.h"

namespace veneer {

namespace {

using std::string_literals::operator""s;

class Dice {
 public:
  explicit Dice(std::mt19937* random) : random_(*random) {}
  uint64_t Below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(random_); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename T>
  T Of(std::initializer_list<T> values) {
    return values.begin()[Below(values.size())];
  }
  std::string Bytes(size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(Below(256));
    return out;
  }
  std::string Name(size_t longest) {
    const size_t size = 1 + Below(longest);
    std::string out;
    while (out.size() < size) {
      out += Of<std::string>({"a", "b", "usr", "lib", "x.y", "%", "=", " ", "\\", "\xc3\xa9", ":"});
      if (OneIn(5) && out.size() + 2 < size) out += '/';
    }
    out.resize(size);
    // No half of the two-byte letter.
    if (out.back() == '\xc3') out.back() = 'c';
    if (out.back() == '/') out.back() = 's';
    return out;
  }

 private:
  std::mt19937& random_;
};

// Offset and width of the fields of a header block.
struct Field {
  size_t at;
  size_t size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12};
constexpr Field kMtime{136, 12}, kType{156, 1}, kLink{157, 100}, kMagic{257, 8}, kUser{265, 32};
constexpr Field kGroup{297, 32}, kMajor{329, 8}, kMinor{337, 8}, kPrefix{345, 155};
constexpr Field kSparseSlot{386, 12}, kSparseMore{482, 1}, kRealSize{483, 12};
constexpr std::string_view kGnuMagic("ustar  \0", 8);
constexpr std::string_view kPosixMagic("ustar\00000", 8);

void Set(std::string* block, Field field, std::string_view value, size_t skip = 0) {
  block->replace(field.at + skip, std::min(field.size, value.size()), value.substr(0, field.size));
}

void FixChecksum(std::string* block, size_t at = 0) {
  block->replace(at + 148, 8, "        ");
  unsigned sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) sum += static_cast<uint8_t>((*block)[at + i]);
  char text[16];
  std::snprintf(text, sizeof(text), "%06o", sum);
  block->replace(at + 148, 7, text, 7);
}

std::string Binary(int64_t value, size_t size) {
  std::string out(size, value < 0 ? '\xff' : '\0');
  for (size_t i = size; i-- > 0 && i + 8 >= size;) {
    out[i] = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  if (size <= 8) out[0] = value < 0 ? '\xff' : '\0';
  out[0] = static_cast<char>(out[0] | '\x80');
  return out;
}

// One of the ways writers put down a number that fits.
std::string Octal(Dice* dice, uint64_t value, size_t size) {
  char text[32];
  if (!FitsOctal(value, size)) return Binary(static_cast<int64_t>(value), size);
  switch (dice->Below(5)) {
    case 0:
      std::snprintf(text, sizeof(text), "%*llo ", static_cast<int>(size - 1),
                    static_cast<unsigned long long>(value));
      return text;
    case 1:
      std::snprintf(text, sizeof(text), "%llo", static_cast<unsigned long long>(value));
      return std::string(text) + std::string(size - std::string_view(text).size(), '\0');
    case 2: return Binary(static_cast<int64_t>(value), size);
    default:
      std::snprintf(text, sizeof(text), "%0*llo", static_cast<int>(size - 1),
                    static_cast<unsigned long long>(value));
      return {text, size};
  }
}

std::string Padded(std::string bytes) {
  bytes.append(TarPadding(bytes.size()), '\0');
  return bytes;
}

std::string Header(Dice* dice, std::string_view magic, char type, std::string_view name,
                   uint64_t size) {
  std::string block(kTarBlock, '\0');
  Set(&block, kName, name);
  Set(&block, kMode, Octal(dice, dice->Below(07777 + 1), 8));
  Set(&block, kUid, Octal(dice, dice->Below(3) == 0 ? dice->Below(4294967295) : 1000, 8));
  Set(&block, kGid, Octal(dice, dice->Below(3) == 0 ? dice->Below(4294967295) : 0, 8));
  Set(&block, kSize, Octal(dice, size, 12));
  Set(&block, kMtime, Octal(dice, dice->Below(1) == 0 ? dice->Below(2000000000) : 0, 12));
  if (dice->OneIn(8)) {
    Set(&block, kMtime,
        Binary(dice->Of<int64_t>({-1, -1000000007, 1LL << 33, 1LL << 40, -(1LL << 40)}), 12));
  }
  block[kType.at] = type;
  if (!magic.empty()) {
    Set(&block, kMagic, magic);
    if (dice->OneIn(2)) Set(&block, kUser, "root");
    if (dice->OneIn(2)) Set(&block, kGroup, "staff");
  }
  return block;
}

std::string Closed(std::string block) {
  FixChecksum(&block);
  return block;
}

std::string Extended(Dice* dice, char type, const std::string& body) {
  return Closed(Header(dice, type == 'L' || type == 'K' ? kGnuMagic : kPosixMagic, type,
                       type == 'L' || type == 'K' ? "././@LongLink" : "PaxHeaders/x",
                       body.size())) +
         Padded(body);
}

std::string ContentsOf(Dice* dice) {
  switch (dice->Below(6)) {
    case 0: return {};
    case 1: return std::string(dice->Below(2000), '\0');
    case 2: return dice->Bytes(dice->Below(1200));
    case 3: {  // an archive
      const std::string inner = dice->Bytes(dice->Below(700));
      return Closed(Header(dice, kPosixMagic, '0', "smuggled", inner.size())) + Padded(inner) +
             (dice->OneIn(2) ? std::string(1024, '\0') : ""s);
    }
    default: return dice->Bytes(512 * dice->Below(4));
  }
}

// Extents within `size` and the data in them.
std::vector<SparseExtent> RandomExtents(Dice* dice, uint64_t* size, std::string* data) {
  std::vector<SparseExtent> extents;
  uint64_t end = 0;
  const uint64_t count = dice->Of<uint64_t>({0, 1, 2, 3, 5, 30, 60});
  for (uint64_t i = 0; i < count; ++i) {
    const SparseExtent extent{end + 512 * (1 + dice->Below(20)), 512 * (1 + dice->Below(2))};
    extents.push_back(extent);
    end = extent.offset + extent.size;
    *data += dice->Bytes(extent.size);
  }
  *size = end + 512 * dice->Below(10);
  // As GNU tar marks a hole at the end.
  if (*size > end || count == 0) extents.push_back({*size, 0});
  return extents;
}

std::string GnuSparse(Dice* dice, const std::string& name) {
  uint64_t size = 0;
  std::string data;
  const std::vector<SparseExtent> extents = RandomExtents(dice, &size, &data);
  std::string block = Header(dice, kGnuMagic, 'S', name, data.size());
  Set(&block, kRealSize, Octal(dice, size, 12));
  size_t next = 0;
  auto slots = [&](std::string* out, size_t at, size_t count) {
    for (; count > 0 && next < extents.size(); --count, ++next, at += 24) {
      char text[32];
      std::snprintf(text, sizeof(text), "%011llo",
                    static_cast<unsigned long long>(extents[next].offset));
      Set(out, {at, 12}, text);
      std::snprintf(text, sizeof(text), "%011llo",
                    static_cast<unsigned long long>(extents[next].size));
      Set(out, {at + 12, 12}, text);
    }
    return next < extents.size() ? '\1' : '\0';
  };
  block[kSparseMore.at] = slots(&block, kSparseSlot.at, 4);
  std::string out = Closed(block);
  while (next < extents.size()) {
    std::string more(kTarBlock, '\0');
    more[504] = slots(&more, 0, 21);
    out += more;
  }
  return out + Padded(data);
}

std::string PaxSparse(Dice* dice, const std::string& name, std::string records) {
  uint64_t size = 0;
  std::string data;
  const std::vector<SparseExtent> extents = RandomExtents(dice, &size, &data);
  auto add = [&](const char* key, const std::string& value) { records += PaxRecord(key, value); };
  const std::string count = std::to_string(extents.size());
  const std::string inner = "GNUSparseFile.1/x";
  switch (dice->Below(3)) {
    case 0:
      add("GNU.sparse.size", std::to_string(size));
      add("GNU.sparse.numblocks", count);
      for (const SparseExtent& e : extents) {
        add("GNU.sparse.offset", std::to_string(e.offset));
        add("GNU.sparse.numbytes", std::to_string(e.size));
      }
      break;
    case 1: {
      add("GNU.sparse.size", std::to_string(size));
      add("GNU.sparse.numblocks", count);
      add("GNU.sparse.name", name);
      std::string map;
      for (const SparseExtent& e : extents) {
        map += (map.empty() ? "" : ",") + std::to_string(e.offset) + "," + std::to_string(e.size);
      }
      add("GNU.sparse.map", map);
      break;
    }
    default: {
      add("GNU.sparse.major", "1");
      add("GNU.sparse.minor", "0");
      add("GNU.sparse.name", name);
      add("GNU.sparse.realsize", std::to_string(size));
      std::string map = count + "\n";
      for (const SparseExtent& e : extents) {
        map += std::to_string(e.offset) + "\n" + std::to_string(e.size) + "\n";
      }
      data.insert(0, Padded(map));
    }
  }
  const bool outer = records.find("GNU.sparse.name") == std::string::npos;
  return Extended(dice, 'x', records) +
         Closed(Header(dice, kPosixMagic, '0', outer ? name.substr(0, 80) + "sparse" : inner,
                       data.size())) +
         Padded(data);
}

std::string RandomTime(Dice* dice) {
  return dice->Of<std::string>({"0", "1", "1700000000.123456789", "1.5", "1234567890.000000001",
                                "-1", "-1.5", "-0.25", "-1000000000.75", "99999999999.999999999",
                                "12345678.1234567891", "4294967296"});
}

std::string RandomAcl(Dice* dice) {
  return dice->Of<std::string>(
      {"user::rwx,group::r-x,other::r--", "user::rw-,user:1000:r--,group::r--,mask::r--,other::---",
       "user::rwx,user:alice:rwx:1001,group::r-x,group:5:--x,mask::rwx,other::r-x",
       "user::r--,group::r--,group:staff:rw-:50,mask::rw-,other::r--"});
}

std::string Base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k <= std::min<size_t>(3, bytes.size() - i); ++k) {
      out += kDigits[bits >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

std::string RandomRecords(Dice* dice) {
  std::string out;
  auto add = [&](const std::string& key, const std::string& value) {
    out += PaxRecord(key, value);
  };
  if (dice->OneIn(2)) add("mtime", RandomTime(dice));
  if (dice->OneIn(3)) add("atime", RandomTime(dice));
  if (dice->OneIn(3)) add("uid", std::to_string(dice->Below(4294967295)));
  if (dice->OneIn(3)) add("gid", std::to_string(dice->Below(4294967295)));
  if (dice->OneIn(4)) add("uname", dice->Name(40));
  if (dice->OneIn(6)) add("comment", dice->Name(40));
  for (uint64_t i = dice->Of<uint64_t>({0, 0, 1, 3}); i > 0; --i) {
    const std::string name =
        "user." + dice->Of<std::string>({"a", "b.c", "with%25", "with%3Dequals", "\xc3\xa9"});
    add("SCHILY.xattr." + name, dice->Bytes(dice->Below(60)));
    if (dice->OneIn(3)) add("LIBARCHIVE.xattr.user.plain", Base64(dice->Bytes(dice->Below(60))));
  }
  if (dice->OneIn(6)) add("SCHILY.xattr.security.capability", dice->Bytes(20));
  if (dice->OneIn(8)) add("RHT.security.selinux", "system_u:object_r:bin_t:s0");
  if (dice->OneIn(5)) add("SCHILY.acl.access", RandomAcl(dice));
  return out;
}

std::string RandomEntry(Dice* dice) {
  const char type = dice->Of<char>({'0', '0', '0', '\0', '7', '1', '2', '3', '4', '5', '5', '6'});
  const uint64_t dialect = dice->Below(4);  // v7, ustar, GNU, PAX
  std::string name = dice->Name(dice->OneIn(4) && dialect >= 2 ? 400 : 90);
  std::string link = dice->Name(dice->OneIn(4) && dialect >= 2 ? 400 : 90);
  if (dialect == 2 && dice->OneIn(6)) return GnuSparse(dice, name.substr(0, 80) + "sparse");
  if (dialect == 3 && dice->OneIn(6)) return PaxSparse(dice, name, RandomRecords(dice));
  // Where no character set is agreed on, any byte will do.
  if (dialect != 3 && dice->OneIn(8)) name[0] = '\xff';
  if (type == '5' || (dialect == 0 && dice->OneIn(9))) name += '/';
  const bool regular = type == '0' || type == '\0' || type == '7';
  const std::string contents = regular && !name.ends_with('/') ? ContentsOf(dice) : "";
  std::string out;
  const bool smuggle = dialect == 3 && dice->OneIn(4);
  std::string block = Header(dice,
                             dialect == 0   ? ""
                             : dialect == 2 ? kGnuMagic
                                            : kPosixMagic,
                             type, name, smuggle ? dice->Below(600) : contents.size());
  if (dialect == 1 && dice->OneIn(3)) Set(&block, kPrefix, dice->Name(155));
  if (type == '1' || type == '2') Set(&block, kLink, link);
  if ((type == '3' || type == '4') && dialect > 0) {
    Set(&block, kMajor, Octal(dice, dice->Below(5000), 8));
    Set(&block, kMinor, Octal(dice, dice->Below(1 << 20), 8));
  }
  if (dialect == 2) {
    if ((type == '1' || type == '2') && link.size() > 100) {
      out += Extended(dice, 'K', link + '\0');
    }
    if (name.size() > 100) out += Extended(dice, 'L', name + '\0');
  } else if (dialect == 3) {
    std::string records = RandomRecords(dice);
    if (name.size() > 100 || dice->OneIn(3)) records += PaxRecord("path", name);
    if (type == '1' || type == '2') records += PaxRecord("linkpath", link);
    if (smuggle || dice->OneIn(4)) records += PaxRecord("size", std::to_string(contents.size()));
    if (type == '5' && dice->OneIn(3)) records += PaxRecord("SCHILY.acl.default", RandomAcl(dice));
    out += Extended(dice, 'x', records);
  }
  return out + Closed(block) + Padded(contents);
}

// Where blocks lie that are headers, or look like them.
std::vector<size_t> Headers(const std::string& archive) {
  std::vector<size_t> out;
  for (size_t at = 0; at + kTarBlock <= archive.size(); at += kTarBlock) {
    const std::string_view block = std::string_view(archive).substr(at, kTarBlock);
    if (!IsZero(block) && HasTarChecksum(block)) out.push_back(at);
  }
  return out;
}

std::string OddNumber(Dice* dice, size_t size) {
  std::string out =
      dice->Of<std::string>({"0", "1", "777", "1000", "-1", "8", " 12", "\t12", "12 34", "12\0x"s,
                             "0x10", "+5", "", "1e3", std::string(12, '7'),
                             std::string("\0\0"
                                         "17",
                                         4),
                             std::string("\0"
                                         "17",
                                         3)});
  switch (dice->Below(4)) {
    case 0: return Binary(dice->Of<int64_t>({0, 1, 512, 1024, -1, INT64_MAX, INT64_MIN}), size);
    case 1: return dice->Bytes(size);
    default: out.resize(size, '\0'); return out;
  }
}

std::string OddExtended(Dice* dice) {
  auto number = [&] {
    return dice->Of<std::string>({"0", "1", "3", "512", "1024", "1536", "-1", "", "x", "01", " 5",
                                  "5 ", "1.5", "99999999999999999999", "9223372036854775807"});
  };
  switch (dice->Below(8)) {
    case 0: return Extended(dice, 'L', dice->Name(200) + '\0');
    case 1: return Extended(dice, 'K', dice->Name(200) + (dice->OneIn(2) ? "\0"s : ""s));
    case 2:
      return Extended(dice, 'g',
                      PaxRecord(dice->Of<std::string>({"mtime", "uid", "size"}), number()));
    case 3: return Extended(dice, 'V', "");
    default: break;
  }
  std::string records;
  for (uint64_t i = 1 + dice->Below(3); i > 0; --i) {
    const std::string key = dice->Of<std::string>({"size",
                                                   "size",
                                                   "size",
                                                   "uid",
                                                   "gid",
                                                   "mtime",
                                                   "path",
                                                   "linkpath",
                                                   "SCHILY.realsize",
                                                   "SCHILY.devmajor",
                                                   "GNU.sparse.major",
                                                   "GNU.sparse.minor",
                                                   "GNU.sparse.realsize",
                                                   "GNU.sparse.size",
                                                   "GNU.sparse.map",
                                                   "GNU.sparse.offset",
                                                   "GNU.sparse.numbytes",
                                                   "GNU.sparse.numblocks",
                                                   "GNU.sparse.name",
                                                   "hdrcharset",
                                                   "SUN.holesdata",
                                                   "typeflag"});
    std::string value = number();
    if (key.ends_with("path") || key.ends_with("name")) value = dice->Name(60);
    if (key.ends_with("map")) value = dice->Of<std::string>({"0,3", "0,512", "512,512,2048,1", ""});
    if (key == "hdrcharset") value = "BINARY";
    if (dice->OneIn(12)) value += dice->Of<std::string>({"\0"s, "\n", "\xff", "/", "\0tail"s});
    records += PaxRecord(key, value);
  }
  if (dice->OneIn(10)) records[dice->Below(records.size())] ^= 1;
  return Extended(dice, dice->Of<char>({'x', 'x', 'x', 'X'}), records);
}

}  // namespace

std::string RandomTar(std::mt19937* random) {
  Dice dice(random);
  std::string out;
  if (dice.OneIn(6)) out += Extended(&dice, 'g', PaxRecord("comment", dice.Name(40)));
  std::vector<std::string> entries;
  for (uint64_t i = 1 + dice.Below(10); i > 0; --i) {
    // Some are there twice.
    const bool again = !entries.empty() && dice.OneIn(10);
    entries.push_back(again ? entries[dice.Below(entries.size())] : RandomEntry(&dice));
    out += entries.back();
  }
  return out + std::string(512 * dice.Below(5), '\0');
}

std::string RandomLibarchiveTar(std::mt19937* random) {
  Dice dice(random);
  const std::unique_ptr<struct archive, int (*)(struct archive*)> holder(archive_write_new(),
                                                                         archive_write_free);
  struct archive* a = holder.get();
  switch (dice.Below(6)) {
    case 0: archive_write_set_format_ustar(a); break;
    case 1: archive_write_set_format_gnutar(a); break;
    case 2: archive_write_set_format_v7tar(a); break;
    case 3: archive_write_set_format_pax_restricted(a); break;
    default: archive_write_set_format_pax(a); break;
  }
  archive_write_set_bytes_per_block(a, 512);
  std::vector<char> buffer(size_t{1} << 20);
  size_t used = 0;
  archive_write_open_memory(a, buffer.data(), buffer.size(), &used);
  const std::unique_ptr<struct archive_entry, void (*)(struct archive_entry*)> entry_holder(
      archive_entry_new(), archive_entry_free);
  struct archive_entry* entry = entry_holder.get();
  for (uint64_t i = 1 + dice.Below(10); i > 0; --i) {
    archive_entry_clear(entry);
    const auto type = dice.Of<__LA_MODE_T>(
        {AE_IFREG, AE_IFREG, AE_IFDIR, AE_IFLNK, AE_IFCHR, AE_IFBLK, AE_IFIFO});
    const std::string contents = type == AE_IFREG ? ContentsOf(&dice) : "";
    archive_entry_set_pathname(entry, dice.Name(dice.OneIn(3) ? 300 : 60).c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, static_cast<__LA_MODE_T>(dice.Below(07777 + 1)));
    archive_entry_set_uid(entry, static_cast<int64_t>(dice.Below(dice.OneIn(4) ? 4294967295 : 9)));
    archive_entry_set_gid(entry, static_cast<int64_t>(dice.Below(dice.OneIn(4) ? 4294967295 : 9)));
    archive_entry_set_size(entry, static_cast<int64_t>(contents.size()));
    archive_entry_set_mtime(entry, dice.Of<int64_t>({0, 1, 1700000000, -2, 1LL << 34}),
                            static_cast<long>(dice.OneIn(2) ? 0 : dice.Below(1000000000)));
    if (type == AE_IFLNK) archive_entry_set_symlink(entry, dice.Name(150).c_str());
    if (type == AE_IFREG && dice.OneIn(5)) {
      archive_entry_set_hardlink(entry, dice.Name(150).c_str());
      if (dice.OneIn(2)) archive_entry_set_size(entry, 0);
    }
    if (type == AE_IFCHR || type == AE_IFBLK) {
      archive_entry_set_rdevmajor(entry, static_cast<dev_t>(dice.Below(4000)));
      // Of one that fits no octal field libarchive writes the PAX header alone.
      archive_entry_set_rdevminor(entry, static_cast<dev_t>(dice.Below(1 << 18)));
    }
    if (dice.OneIn(3)) archive_entry_set_uname(entry, "someone");
    for (uint64_t n = dice.Of<uint64_t>({0, 0, 1, 3}); n > 0; --n) {
      const std::string value = dice.Bytes(dice.Below(60));
      archive_entry_xattr_add_entry(entry, ("user." + dice.Name(9)).c_str(), value.data(),
                                    value.size());
    }
    if (dice.OneIn(5) && type != AE_IFLNK) {
      archive_entry_acl_from_text(entry, RandomAcl(&dice).c_str(), ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
    }
    if (contents.size() > 1024 && dice.OneIn(2)) {
      archive_entry_sparse_add_entry(entry, 0, 512);
      archive_entry_sparse_add_entry(entry, 1024, static_cast<int64_t>(contents.size()) - 1024);
    }
    // What a format cannot hold is left out by the writer.
    if (archive_write_header(a, entry) >= ARCHIVE_WARN) {
      archive_write_data(a, contents.data(), contents.size());
    }
  }
  archive_write_close(a);
  return {buffer.data(), used};
}

std::string TamperedTar(std::string archive, std::mt19937* random) {
  Dice dice(random);
  for (uint64_t changes = 1 + dice.Below(3); changes > 0; --changes) {
    const std::vector<size_t> headers = Headers(archive);
    if (headers.empty() || archive.size() < kTarBlock) return archive;
    const size_t at = headers[dice.Below(headers.size())];
    auto set = [&](Field field, std::string_view value) {
      Set(&archive, {at + field.at, field.size}, value);
      FixChecksum(&archive, at);
    };
    switch (dice.Below(12)) {
      case 0: archive[dice.Below(archive.size())] ^= static_cast<char>(1 << dice.Below(8)); break;
      case 1:
        archive[at + dice.Below(kTarBlock)] ^= static_cast<char>(1 << dice.Below(8));
        FixChecksum(&archive, at);
        break;
      case 2: set(kSize, Octal(&dice, dice.Of<uint64_t>({0, 1, 511, 512, 1024, 4096}), 12)); break;
      case 3:
        set(kType, std::string(1, dice.Of<char>({'0', '\0', '1', '2', '3', '4', '5', '6',
                                                 '7', 'L',  'K', 'x', 'X', 'g', 'S', 'D',
                                                 'M', 'N',  'V', 'A', 'I', 'z', '8'})));
        break;
      case 4:
        set(kMagic, dice.Of<std::string_view>(
                        {kGnuMagic, kPosixMagic, std::string_view("\0\0\0\0\0\0\0\0", 8),
                         std::string_view("ustar\0\0\0", 8), std::string_view("ustar  0", 8)}));
        break;
      case 5: {
        const Field field = dice.Of<Field>({kMode, kUid, kGid, kSize, kMtime, kMajor, kMinor});
        set(field, OddNumber(&dice, field.size));
        break;
      }
      case 6:
      case 7: archive.insert(at, OddExtended(&dice)); break;
      case 8: archive.erase(kTarBlock * dice.Below(archive.size() / kTarBlock), kTarBlock); break;
      case 9: {
        const size_t block = kTarBlock * dice.Below(archive.size() / kTarBlock);
        archive.insert(at, archive.substr(block, kTarBlock));
        break;
      }
      case 10: archive.resize(dice.Below(archive.size())); break;
      default:
        archive.insert(
            kTarBlock * dice.Below(archive.size() / kTarBlock),
            dice.OneIn(2) ? std::string(kTarBlock, '\0') : OddExtended(&dice) + OddExtended(&dice));
    }
  }
  return archive;
}

}  // namespace veneer
