// SPDX-License-Identifier: Apache-2.0
//
// Text that comes from strangers (names in archives, labels, arguments), made fit to be shown: it
// must not steer the terminal. Pure functions.
#ifndef VENEER_LAYERDB_BASE_PRINTABLE_H_
#define VENEER_LAYERDB_BASE_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace veneer {

struct TextPiece {
  size_t size;  // bytes of the first character; 1 where it is no character
  // Valid UTF-8, no control character (C0, DEL, C1), no override of the writing direction.
  bool printable;
};

// The first character of a text that is not empty.
TextPiece FirstCharacter(std::string_view text);

// `text` with a '?' for each character that is not printable, but for those in `kept` ("\n\t").
std::string Printable(std::string_view text, std::string_view kept = {});

// A name for error messages: control characters and bytes that would spoil a terminal are escaped,
// and it is shortened when it is very long.
std::string PrintablePath(std::string_view path);
// The same in double quotes.
std::string QuotedPath(std::string_view path);

// The beginning of a text as a message quotes it: printable, in double quotes.
std::string QuotedExcerpt(std::string_view text);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_PRINTABLE_H_
