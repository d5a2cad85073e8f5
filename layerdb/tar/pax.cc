// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/pax.h"

#include <algorithm>
#include <limits>

#include "layerdb/base/base64.h"
#include "layerdb/base/parse.h"

namespace veneer {

namespace {

constexpr std::string_view kSchilyXattr = "SCHILY.xattr.";
constexpr std::string_view kLibarchiveXattr = "LIBARCHIVE.xattr.";

tl::unexpected<Error> BadRecord(std::string_view key) {
  // A key comes from an untrusted archive: only as much of it as a line can take.
  return MakeError("malformed PAX record \"" + std::string(key.substr(0, 64)) + "\"");
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string PercentDecode(std::string_view text, bool only_gnu_escapes) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      const char c = static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      if (!only_gnu_escapes || c == '%' || c == '=') {
        out += c;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

void SetXattr(XattrList* list, std::string name, std::string_view value) {
  const auto same =
      std::find_if(list->begin(), list->end(), [&](const Xattr& x) { return x.first == name; });
  if (same != list->end()) {
    same->second = value;
  } else {
    list->emplace_back(std::move(name), value);
  }
}

// "offset,size,offset,size,…" (GNU.sparse.map of format 0.1).
bool ParseSparseMap(std::string_view text, std::vector<SparseExtent>* out) {
  std::vector<uint64_t> numbers;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::optional<uint64_t> number = ParseNumber<uint64_t>(text.substr(0, comma));
    if (!number) return false;
    numbers.push_back(*number);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (numbers.size() % 2 != 0) return false;
  for (size_t i = 0; i < numbers.size(); i += 2) out->push_back({numbers[i], numbers[i + 1]});
  return true;
}

// The GNU.sparse.* records; false when the value is malformed, or the key of no format known here.
bool SparseRecord(std::string_view key, std::string_view value, PaxAttributes* out) {
  if (key == "map") {
    out->sparse = true;
    return ParseSparseMap(value, &out->sparse_map);
  }
  if (key == "name") {
    out->sparse_name = value;
    return value.find('\0') == std::string_view::npos;
  }
  const std::optional<uint64_t> number = ParseNumber<uint64_t>(value);
  if (!number) return false;
  if (key == "major") {
    out->sparse = true;
    out->sparse_major = *number;
  } else if (key == "minor") {
    out->sparse = true;
    out->sparse_minor = *number;
  } else if (key == "size" || key == "realsize") {
    out->real_size = *number;
  } else if (key == "numblocks") {
    out->sparse = true;
  } else if (key == "offset") {
    if (out->sparse_offset) return false;
    out->sparse_offset = *number;
  } else if (key == "numbytes") {
    if (!out->sparse_offset) return false;
    out->sparse_map.push_back({*out->sparse_offset, *number});
    out->sparse_offset.reset();
  } else {
    return false;
  }
  return true;
}

bool Record(std::string_view key, std::string_view value, PaxAttributes* out) {
  auto text = [&](std::optional<std::string>* field) {
    if (value.empty()) {
      field->reset();
    } else {
      *field = value;
    }
    // A name with a NUL would be cut short by one reader and not by the other.
    return value.find('\0') == std::string_view::npos;
  };
  auto number = [&](std::optional<uint64_t>* field) {
    *field = value.empty() ? std::nullopt : ParseNumber<uint64_t>(value);
    return value.empty() || field->has_value();
  };
  if (key == "path") return text(&out->path);
  if (key == "linkpath") return text(&out->linkpath);
  if (key == "uname") return text(&out->uname);
  if (key == "gname") return text(&out->gname);
  // An empty size would take the header's own back for one reader, and be 0 for another.
  // One that no file can have counts even when another follows: libarchive stops at it.
  if (key == "size") {
    constexpr uint64_t kEnd = std::numeric_limits<int64_t>::max();
    return !value.empty() && number(&out->size) && *out->size < kEnd;
  }
  if (key == "uid") return number(&out->uid);
  if (key == "gid") return number(&out->gid);
  if (key == "SCHILY.devmajor") return number(&out->devmajor);
  if (key == "SCHILY.devminor") return number(&out->devminor);
  if (key == "SCHILY.realsize") return !value.empty() && number(&out->real_size);
  // Sparse files of Solaris, which libarchive knows and GNU tar and Go do not.
  if (key == "SUN.holesdata") return false;
  if (key == "SCHILY.acl.access") return text(&out->acl_access);
  if (key == "SCHILY.acl.default") return text(&out->acl_default);
  if (key == "mtime") {
    out->mtime = value.empty() ? std::nullopt : ParsePaxTime(value);
    return value.empty() || out->mtime.has_value();
  }
  if (key.starts_with("GNU.sparse.")) return SparseRecord(key.substr(11), value, out);
  if (key.starts_with(kSchilyXattr)) {
    std::string name = PercentDecode(key.substr(kSchilyXattr.size()), true);
    if (name.empty()) return false;
    SetXattr(&out->xattrs, std::move(name), value);
  } else if (key.starts_with(kLibarchiveXattr)) {
    std::string name = PercentDecode(key.substr(kLibarchiveXattr.size()), false);
    const std::optional<std::string> decoded = Base64Decode(value, Base64Form::kLoose);
    if (name.empty() || !decoded) return false;
    // bsdtar writes both forms; they say the same.
    SetXattr(&out->xattrs, std::move(name), *decoded);
  }
  return true;
}

}  // namespace

Result<void> ParsePax(std::string_view body, PaxAttributes* out) {
  while (!body.empty()) {
    const size_t space = body.find(' ');
    const std::optional<uint64_t> length = space == std::string_view::npos || space > 20
                                               ? std::nullopt
                                               : ParseNumber<uint64_t>(body.substr(0, space));
    if (!length || *length <= space + 1 || *length > body.size() || body[*length - 1] != '\n') {
      return MakeError("malformed PAX header");
    }
    const std::string_view record = body.substr(space + 1, *length - space - 2);
    body.remove_prefix(*length);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) return MakeError("malformed PAX header");
    const std::string_view key = record.substr(0, equals);
    if (!Record(key, record.substr(equals + 1), out)) return BadRecord(key);
  }
  if (out->sparse_offset) return BadRecord("GNU.sparse.offset");
  return {};
}

std::optional<Timestamp> ParsePaxTime(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t dot = text.find('.');
  const std::optional<uint64_t> whole = ParseNumber<uint64_t>(text.substr(0, dot));
  if (!whole || *whole > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() - 1)) {
    return std::nullopt;
  }
  uint32_t nsec = 0;
  bool rest = false;  // something beyond nine digits
  if (dot != std::string_view::npos) {
    const std::string_view fraction = text.substr(dot + 1);
    uint32_t unit = 100000000;
    for (const char c : fraction) {
      if (c < '0' || c > '9') return std::nullopt;
      rest = rest || (unit == 0 && c != '0');
      nsec += static_cast<uint32_t>(c - '0') * unit;
      unit /= 10;
    }
  }
  Timestamp time{static_cast<int64_t>(*whole), nsec};
  if (!negative) return time;
  time.sec = -time.sec;
  if (rest) ++nsec;
  if (nsec > 0) {
    --time.sec;
    time.nsec = 1000000000 - nsec;
  }
  return time;
}

std::string FormatPaxTime(const Timestamp& time) {
  // A time before 1970 with a fraction is written as the negative of its distance: -1.5 is second
  // -2 and a half.
  const bool borrow = time.sec < 0 && time.nsec > 0;
  const int64_t sec = borrow ? time.sec + 1 : time.sec;
  const uint32_t nsec = borrow ? 1000000000 - time.nsec : time.nsec;
  std::string out = borrow && sec == 0 ? "-0" : std::to_string(sec);
  if (nsec == 0) return out;
  std::string digits = std::to_string(nsec);
  digits.insert(0, 9 - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return out + "." + digits;
}

std::string PaxRecord(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;  // ' ', '=', '\n'
  size_t length = rest;
  // The length counts its own digits.
  while (std::to_string(length).size() + rest != length) {
    length = std::to_string(length).size() + rest;
  }
  std::string out = std::to_string(length);
  out.append(" ").append(key).append("=").append(value).append("\n");
  return out;
}

std::string PaxXattrKey(std::string_view xattr_name) {
  std::string out(kSchilyXattr);
  for (const char c : xattr_name) {
    if (c == '%') {
      out += "%25";
    } else if (c == '=') {
      out += "%3D";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace veneer
