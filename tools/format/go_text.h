// SPDX-License-Identifier: Apache-2.0
//
// Strings as Go's packages strconv, strings and text/template treat them: characters, quotes,
// cases, escapes. Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_TEXT_H_
#define VENEER_TOOLS_FORMAT_GO_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace veneer {

inline constexpr uint32_t kNoCharacter = 0xFFFD;  // what stands for bytes that are none
inline constexpr uint32_t kLastCharacter = 0x10FFFF;

// Takes the first character; kNoCharacter, and one byte, for what is none. REQUIRES: not empty.
uint32_t TakeCharacter(std::string_view* text);
// kNoCharacter for what is none: surrogates, numbers beyond the last.
void AppendCharacter(uint32_t character, std::string* text);
size_t CountCharacters(std::string_view text);
// Letters, marks, numbers, punctuation, symbols, and the space.
bool IsGoPrintable(uint32_t character);

// strconv.Quote, or with `quote` ' QuoteRune; `ascii`: what is not ASCII is escaped.
std::string GoQuote(std::string_view text, char quote, bool ascii);
// True when it can stand between backquotes on one line.
bool CanBackquote(std::string_view text);

std::string GoLower(std::string_view text);
std::string GoUpper(std::string_view text);
std::string GoTitle(std::string_view text);

// The functions html, js and urlquery of text/template.
std::string EscapeHtml(std::string_view text);
std::string EscapeJs(std::string_view text);
std::string EscapeUrlQuery(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_TEXT_H_
