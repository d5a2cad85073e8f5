// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_text.h"

#include <array>
#include <clocale>
#include <cstdio>
#include <cwctype>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

// The properties of characters, whatever the user's locale is. C.UTF-8 is part of glibc since 2.35.
locale_t Unicode() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

template <class Act>
std::string Changed(std::string_view text, Act act) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) AppendCharacter(act(TakeCharacter(&text)), &result);
  return result;
}

uint32_t ToUpper(uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return Unicode() == nullptr ? c : ::towupper_l(c, Unicode());
}

uint32_t ToLower(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return Unicode() == nullptr ? c : ::towlower_l(c, Unicode());
}

// What a word of strings.Title may hold without ending.
bool IsInWord(uint32_t c) {
  if (c < 0x80) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  return Unicode() == nullptr || ::iswspace_l(c, Unicode()) == 0;
}

std::string Hex(const char* format, uint32_t value) {
  std::array<char, 16> text;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int n = snprintf(text.data(), text.size(), format, value);
#pragma GCC diagnostic pop
  return {text.data(), static_cast<size_t>(n)};
}

}  // namespace

uint32_t TakeCharacter(std::string_view* text) {
  const TextPiece piece = FirstCharacter(*text);
  const auto first = static_cast<uint8_t>((*text)[0]);
  uint32_t character = first;
  if (piece.size > 1) {
    character = first & (0x7F >> piece.size);
    for (size_t i = 1; i < piece.size; ++i) {
      character = character << 6 | (static_cast<uint8_t>((*text)[i]) & 0x3F);
    }
  } else if (first >= 0x80) {
    character = kNoCharacter;
  }
  text->remove_prefix(piece.size);
  return character;
}

void AppendCharacter(uint32_t character, std::string* text) {
  if (character > kLastCharacter || (character >= 0xD800 && character <= 0xDFFF)) {
    character = kNoCharacter;
  }
  const auto tail = [&](int shift) {
    *text += static_cast<char>(0x80 | ((character >> shift) & 0x3F));
  };
  if (character < 0x80) {
    *text += static_cast<char>(character);
  } else if (character < 0x800) {
    *text += static_cast<char>(0xC0 | (character >> 6));
    tail(0);
  } else if (character < 0x10000) {
    *text += static_cast<char>(0xE0 | (character >> 12));
    tail(6);
    tail(0);
  } else {
    *text += static_cast<char>(0xF0 | (character >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

size_t CountCharacters(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) TakeCharacter(&text);
  return count;
}

bool IsGoPrintable(uint32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7F;
  const bool space = c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F ||
                     c == 0x205F || c == 0x3000;
  const bool format = c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
                      (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB);
  const bool private_use = (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
  if (c < 0xA0 || space || format || private_use || Unicode() == nullptr) return false;
  return ::iswgraph_l(c, Unicode()) != 0;
}

std::string GoQuote(std::string_view text, char quote, bool ascii) {
  std::string result(1, quote);
  while (!text.empty()) {
    const auto byte = static_cast<uint8_t>(text[0]);
    const size_t before = text.size();
    const uint32_t c = TakeCharacter(&text);
    constexpr std::string_view kLetters = "\a\b\f\n\r\t\v";
    if (c == kNoCharacter && before - text.size() == 1) {
      result += Hex("\\x%02x", byte);
    } else if (c == static_cast<uint32_t>(quote) || c == '\\') {
      result += '\\';
      result += static_cast<char>(c);
    } else if ((c < 0x80 || !ascii) && IsGoPrintable(c)) {
      AppendCharacter(c, &result);
    } else if (c < 0x80 && kLetters.find(static_cast<char>(c)) != std::string_view::npos) {
      result += '\\';
      result += "abfnrtv"[kLetters.find(static_cast<char>(c))];
    } else if (c < 0x20 || c == 0x7F) {
      result += Hex("\\x%02x", c);
    } else {
      result += c < 0x10000 ? Hex("\\u%04x", c) : Hex("\\U%08x", c);
    }
  }
  return result + quote;
}

bool CanBackquote(std::string_view text) {
  while (!text.empty()) {
    const size_t before = text.size();
    const uint32_t c = TakeCharacter(&text);
    const bool bad = c == kNoCharacter && before - text.size() == 1;
    if (bad || c == 0xFEFF || (c < 0x20 && c != '\t') || c == '`' || c == 0x7F) return false;
  }
  return true;
}

std::string GoLower(std::string_view text) { return Changed(text, ToLower); }

std::string GoUpper(std::string_view text) { return Changed(text, ToUpper); }

std::string GoTitle(std::string_view text) {
  bool in_word = false;
  return Changed(text, [&](uint32_t c) {
    const uint32_t result = in_word ? c : ToUpper(c);
    in_word = IsInWord(c);
    return result;
  });
}

std::string EscapeHtml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\0': AppendCharacter(kNoCharacter, &result); break;
      case '"': result += "&#34;"; break;
      case '\'': result += "&#39;"; break;
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string EscapeJs(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::string_view before = text;
    const uint32_t c = TakeCharacter(&text);
    if (c == '\\' || c == '\'' || c == '"') {
      result += '\\';
      result += static_cast<char>(c);
    } else if (c == '<' || c == '>' || c == '&' || c == '=' || c < 0x20) {
      result += Hex("\\u%04X", c);
    } else if (c < 0x80 || IsGoPrintable(c)) {
      result += before.substr(0, before.size() - text.size());
    } else {
      result += Hex("\\u%04X", c);
    }
  }
  return result;
}

std::string EscapeUrlQuery(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      result += c;
    } else if (c == ' ') {
      result += '+';
    } else {
      result += Hex("%%%02X", static_cast<uint8_t>(c));
    }
  }
  return result;
}

}  // namespace veneer
