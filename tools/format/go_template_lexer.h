// SPDX-License-Identifier: Apache-2.0
//
// The words of a template (go_template.h): plain text, and the tokens between {{ and }}. Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_TEMPLATE_LEXER_H_
#define VENEER_TOOLS_FORMAT_GO_TEMPLATE_LEXER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/go_value.h"

namespace veneer {

struct TemplateToken {
  enum class Kind {
    kWord,      // a keyword, a function, true, false, nil; text
    kField,     // ".Name", text without the dot
    kDot,       // "." alone
    kVariable,  // "$" or "$name"
    kLiteral,
    kPunctuation,  // "|", "(", ")", ",", ":=", "="
  };
  Kind kind = Kind::kPunctuation;
  std::string text;
  GoValue value;                 // kLiteral; missing: a number that no int can hold
  std::optional<int64_t> whole;  // kLiteral: a number without a fraction, as 2 and 2.0
  size_t position = 0;           // in the template, for messages
  bool spaced = false;           // white space stands before it
};

// A piece of text, or one action. The text is trimmed already where an action beside it says so.
struct TemplatePiece {
  bool is_action = false;
  std::string text;
  std::vector<TemplateToken> tokens;
  size_t position = 0;
};

// Comments are left out. Usage error with what is wrong and at which byte.
Result<std::vector<TemplatePiece>> CutTemplate(std::string_view text);

// A usage error about the template.
tl::unexpected<Error> TemplateError(size_t position, const std::string& what);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_TEMPLATE_LEXER_H_
