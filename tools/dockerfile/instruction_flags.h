// SPDX-License-Identifier: Apache-2.0
//
// The flags of an instruction, compared with those that it has. Pure.
#ifndef VENEER_TOOLS_DOCKERFILE_INSTRUCTION_FLAGS_H_
#define VENEER_TOOLS_DOCKERFILE_INSTRUCTION_FLAGS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

struct KnownFlag {
  enum class Kind {
    kText,    // --name=value
    kSwitch,  // --name, --name=true, --name=false
    kList,    // --name=value, as often as one likes
  };
  std::string_view name;
  Kind kind = Kind::kText;
};

class FlagValues {
 public:
  // Borrows the instruction and the names of `known`. Usage error: a flag that is not known (those
  // that are known are listed), that is given twice, has no value or not true or false.
  static Result<FlagValues> Read(const Instruction& instruction,
                                 const std::vector<KnownFlag>& known);

  // Nullopt: it is not given.
  std::optional<std::string> Text(std::string_view name) const;
  std::optional<bool> Switch(std::string_view name) const;
  std::vector<std::string> List(std::string_view name) const;

 private:
  struct Given {
    std::string_view name;
    std::string value;  // of a switch: "true" or "false"
  };
  std::vector<Given> given_;
};

// "a, b, c"
std::string JoinNames(const std::vector<std::string>& names);

// What stands between blanks. Quotes and backslashes hold nothing together, as in COPY and FROM.
std::vector<std::string> PlainWords(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_INSTRUCTION_FLAGS_H_
