// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/block.h"

#include <cstring>

namespace veneer {

namespace {

// Offsets and widths of POSIX.1-1988 "ustar" and of old GNU (tar.h of both).
constexpr size_t kName = 0, kNameSize = 100;
constexpr size_t kMode = 100, kUid = 108, kGid = 116, kShortNumber = 8;
constexpr size_t kSize = 124, kMtime = 136, kLongNumber = 12;
constexpr size_t kChecksum = 148, kChecksumSize = 8;
constexpr size_t kType = 156, kLink = 157, kLinkSize = 100;
constexpr size_t kMagic = 257, kUser = 265, kGroup = 297, kUserSize = 32;
constexpr size_t kMajor = 329, kMinor = 337;
constexpr size_t kPrefix = 345, kPrefixSize = 155;
constexpr size_t kGnuSparse = 386, kGnuSparseSlots = 4, kGnuExtended = 482, kGnuRealSize = 483;
constexpr size_t kGnuMoreSlots = 21, kGnuMoreExtended = 504;
constexpr size_t kSlot = 24;

// A field up to its first NUL.
std::string_view Text(std::string_view block, size_t at, size_t size) {
  std::string_view field = block.substr(at, size);
  return field.substr(0, field.find('\0'));
}

// A number as tar writers have put it there: octal digits, spaces in front, spaces and NULs behind,
// or (first bit set) a two's-complement binary number in big-endian order. An empty field is 0.
// Digits behind a NUL are an error: Go reads them, libarchive and Python do not.
Result<int64_t> Number(std::string_view block, size_t at, size_t size, const char* what) {
  const std::string_view field = block.substr(at, size);
  auto bad = [&] { return MakeError(std::string("the header's ") + what + " is not a number"); };
  const auto first = static_cast<uint8_t>(field[0]);
  if ((first & 0x80) != 0) {
    // The first bit only announces the form; the next one is the sign.
    uint64_t value = (first & 0x40) != 0 ? ~uint64_t{0} : 0;
    const uint64_t fill = value;
    value = value << 7 | (first & 0x7f);
    for (size_t i = 1; i < size; ++i) {
      // What is shifted out must be copies of the sign.
      if ((value >> 55) != (fill >> 55)) return bad();
      value = value << 8 | static_cast<uint8_t>(field[i]);
    }
    return static_cast<int64_t>(value);
  }
  size_t i = 0;
  while (i < size && field[i] == ' ') ++i;
  uint64_t value = 0;
  for (; i < size && field[i] >= '0' && field[i] <= '7'; ++i) {
    value = value << 3 | static_cast<uint64_t>(field[i] - '0');
  }
  for (; i < size; ++i) {
    if (field[i] != ' ' && field[i] != '\0') return bad();
  }
  return static_cast<int64_t>(value);
}

Result<uint64_t> Unsigned(std::string_view block, size_t at, size_t size, const char* what) {
  VENEER_TRY(const int64_t value, Number(block, at, size, what));
  if (value < 0) return MakeError(std::string("the header's ") + what + " is negative");
  return static_cast<uint64_t>(value);
}

Result<void> SparseSlots(std::string_view block, size_t at, size_t count,
                         std::vector<SparseExtent>* out) {
  for (size_t i = 0; i < count; ++i, at += kSlot) {
    // GNU tar ends the list with an empty slot; an extent of size 0 at the end of the file is real.
    if (block[at + kLongNumber] == '\0') break;
    SparseExtent extent;
    VENEER_TRY(extent.offset, Unsigned(block, at, kLongNumber, "sparse offset"));
    VENEER_TRY(extent.size, Unsigned(block, at + kLongNumber, kLongNumber, "sparse size"));
    out->push_back(extent);
  }
  return {};
}

void PutOctal(char* at, size_t size, uint64_t value) {
  for (size_t i = size - 1; i-- > 0; value >>= 3) at[i] = static_cast<char>('0' + (value & 7));
}

}  // namespace

bool HasTarChecksum(std::string_view block) {
  const Result<int64_t> said = Number(block, kChecksum, kChecksumSize, "checksum");
  if (!said) return false;
  int64_t plain = 0;
  int64_t with_sign = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const char c = i >= kChecksum && i < kChecksum + kChecksumSize ? ' ' : block[i];
    plain += static_cast<uint8_t>(c);
    with_sign += static_cast<int8_t>(c);
  }
  return *said == plain || *said == with_sign;
}

Result<TarBlock> DecodeTarBlock(std::string_view block) {
  TarBlock out;
  const std::string_view magic = block.substr(kMagic, 8);
  if (magic == std::string_view("ustar  \0", 8)) {
    out.magic = TarMagic::kGnu;
  } else if (magic.substr(0, 5) == "ustar") {
    out.magic = TarMagic::kUstar;
  }
  out.type = block[kType];
  if (out.type == 'S' && out.magic != TarMagic::kGnu) {
    // star has the same letter for a header of another layout.
    return MakeError("a sparse file in a form not known here");
  }
  out.name = Text(block, kName, kNameSize);
  out.link = Text(block, kLink, kLinkSize);
  VENEER_TRY(const uint64_t mode, Unsigned(block, kMode, kShortNumber, "mode"));
  if (!FitsOctal(mode, kShortNumber)) return MakeError("the header's mode is too large");
  out.mode = static_cast<uint32_t>(mode) & 07777;
  VENEER_TRY(out.uid, Unsigned(block, kUid, kShortNumber, "owner"));
  VENEER_TRY(out.gid, Unsigned(block, kGid, kShortNumber, "group"));
  VENEER_TRY(out.size, Unsigned(block, kSize, kLongNumber, "size"));
  VENEER_TRY(out.mtime, Number(block, kMtime, kLongNumber, "time"));
  if (out.magic == TarMagic::kV7) return out;

  out.user = Text(block, kUser, kUserSize);
  out.group = Text(block, kGroup, kUserSize);
  if (out.type == '3' || out.type == '4') {
    VENEER_TRY(out.major, Unsigned(block, kMajor, kShortNumber, "device number"));
    VENEER_TRY(out.minor, Unsigned(block, kMinor, kShortNumber, "device number"));
  }
  if (out.magic == TarMagic::kUstar) {
    const std::string_view prefix = Text(block, kPrefix, kPrefixSize);
    if (!prefix.empty()) out.name = std::string(prefix) + "/" + out.name;
  } else if (out.type == 'S') {
    VENEER_TRY_VOID(SparseSlots(block, kGnuSparse, kGnuSparseSlots, &out.sparse));
    out.sparse_continues = block[kGnuExtended] != '\0';
    VENEER_TRY(out.real_size, Unsigned(block, kGnuRealSize, kLongNumber, "real size"));
  } else if (block[kGnuSparse] != '\0' || block[kGnuRealSize] != '\0') {
    // libarchive goes by the map, GNU tar by the type. It may also be the end of a long name: Go
    // before 1.8 wrote ustar's prefix under GNU's magic.
    return MakeError("a sparse map in the header of another type");
  }
  return out;
}

Result<bool> DecodeGnuSparseBlock(std::string_view block, std::vector<SparseExtent>* extents) {
  VENEER_TRY_VOID(SparseSlots(block, 0, kGnuMoreSlots, extents));
  return block[kGnuMoreExtended] != '\0';
}

bool FitsOctal(uint64_t value, size_t width) { return value >> (3 * (width - 1)) == 0; }

std::string EncodeTarBlock(const TarBlockFields& fields) {
  std::string block(kTarBlock, '\0');
  char* out = block.data();
  auto text = [&](size_t at, size_t size, std::string_view value) { value.copy(out + at, size); };
  text(kName, kNameSize, fields.name);
  PutOctal(out + kMode, kShortNumber, fields.mode & 07777);
  PutOctal(out + kUid, kShortNumber, fields.uid);
  PutOctal(out + kGid, kShortNumber, fields.gid);
  PutOctal(out + kSize, kLongNumber, fields.size);
  PutOctal(out + kMtime, kLongNumber, fields.mtime);
  out[kType] = fields.type;
  text(kLink, kLinkSize, fields.link);
  text(kMagic, 8,
       std::string_view("ustar\0"
                        "00",
                        8));
  PutOctal(out + kMajor, kShortNumber, fields.major);
  PutOctal(out + kMinor, kShortNumber, fields.minor);
  text(kPrefix, kPrefixSize, fields.prefix);
  uint64_t sum = 0;
  std::memset(out + kChecksum, ' ', kChecksumSize);
  for (const char c : block) sum += static_cast<uint8_t>(c);
  // Six digits, a NUL, a space: the form every reader knows.
  PutOctal(out + kChecksum, 7, sum);
  out[kChecksum + 6] = '\0';
  return block;
}

}  // namespace veneer
