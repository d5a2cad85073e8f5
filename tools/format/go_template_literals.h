// SPDX-License-Identifier: Apache-2.0
//
// Strings, characters and numbers as they are written in a template (go_template.h), which is as Go
// writes them. Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_TEMPLATE_LITERALS_H_
#define VENEER_TOOLS_FORMAT_GO_TEMPLATE_LITERALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/format/go_value.h"

namespace veneer {

// What stands between double quotes, escapes resolved; nullopt: an escape that Go does not know.
std::optional<std::string> ReadGoString(std::string_view inside);
// What stands between backquotes.
std::string ReadGoRawString(std::string_view inside);
// What stands between single quotes; nullopt: not one character.
std::optional<uint32_t> ReadGoCharacter(std::string_view inside);

struct GoNumber {
  GoValue value;  // an int or a float64; missing: it is a number, but no int holds it
  std::optional<int64_t> whole;  // where a parameter wants an int
};
// Decimal, hexadecimal, octal and binary numbers, with "_" between digits; nullopt: no number.
std::optional<GoNumber> ReadGoNumber(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_TEMPLATE_LITERALS_H_
