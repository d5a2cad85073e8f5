// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/printable.h"

#include <cstdint>

namespace veneer {

namespace {

// How many bytes a character has that begins with this one; 0: none begins so (RFC 3629).
size_t SizeOf(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

bool IsPrintable(uint32_t character) {
  if (character < 0x20 || (character >= 0x7F && character <= 0x9F)) return false;
  if (character == 0x200E || character == 0x200F) return false;  // marks of direction
  if (character >= 0x2028 && character <= 0x202E) return false;  // line ends, embeddings, overrides
  return character < 0x2066 || character > 0x2069;               // isolates
}

}  // namespace

TextPiece FirstCharacter(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const size_t size = SizeOf(first);
  if (size == 0 || size > text.size()) return {1, false};
  constexpr uint8_t kFirstBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t character = first & kFirstBits[size];
  for (size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return {1, false};
    character = character << 6 | (byte & 0x3F);
  }
  const bool overlong = (size == 3 && character < 0x800) || (size == 4 && character < 0x10000);
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (overlong || surrogate || character > 0x10FFFF) return {1, false};
  return {size, IsPrintable(character)};
}

std::string Printable(std::string_view text, std::string_view kept) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const TextPiece piece = FirstCharacter(text);
    if (piece.printable || kept.find(text[0]) != std::string_view::npos) {
      safe.append(text.substr(0, piece.size));
    } else {
      safe += '?';
    }
    text.remove_prefix(piece.size);
  }
  return safe;
}

std::string PrintablePath(std::string_view path) {
  static constexpr char kDigits[] = "0123456789abcdef";
  constexpr size_t kLongest = 200;
  std::string out;
  for (std::string_view rest = path.substr(0, kLongest); !rest.empty();) {
    const TextPiece piece = FirstCharacter(rest);
    if (piece.printable && rest[0] != '\\') {
      out += rest.substr(0, piece.size);
    } else {
      for (const char c : rest.substr(0, piece.size)) {
        const auto byte = static_cast<uint8_t>(c);
        out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
      }
    }
    rest.remove_prefix(piece.size);
  }
  if (path.size() > kLongest) out += "...";
  return out;
}

std::string QuotedPath(std::string_view path) { return '"' + PrintablePath(path) + '"'; }

std::string QuotedExcerpt(std::string_view text) {
  constexpr size_t kLongest = 80;
  return '"' + Printable(text.substr(0, kLongest)) + '"';
}

}  // namespace veneer
