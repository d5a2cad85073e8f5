// SPDX-License-Identifier: Apache-2.0
//
// The text of -o: where one option ends and the next begins, what is quoted and what is escaped.
// Pure functions.
//
//   options := option { "," option }
//   option  := word [ "=" value ]
//   value   := '"' text '"' | text
//
// Quotes count only around a whole value. A comma in quotes or after a backslash ends nothing. The
// escapes are \,  \:  \\  and \" ; a backslash before anything else is itself.
#ifndef VENEER_FS_OPTIONS_OPTION_TEXT_H_
#define VENEER_FS_OPTIONS_OPTION_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veneer {

// One option; `value` is without its quotes but still escaped.
struct OptionText {
  std::string_view word;
  std::optional<std::string_view> value;
};

// The options of one -o argument, empty ones left out. The views point into `text`.
std::vector<OptionText> SplitOptions(std::string_view text);

// Removes the backslashes of the escapes above.
std::string Unescape(std::string_view text);

// Cuts at each ':' that is not escaped and unescapes the pieces; "" gives one empty piece.
std::vector<std::string> SplitPaths(std::string_view value);

// Puts a backslash before what libfuse takes for the end of an option or for an escape.
std::string EscapeForLibfuse(std::string_view value);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_OPTION_TEXT_H_
