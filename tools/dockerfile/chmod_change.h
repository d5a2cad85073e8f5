// SPDX-License-Identifier: Apache-2.0
//
// What --chmod says: "755", "u=rwX,go=rX", "+x". The symbols are those of POSIX's chmod, and where
// chmod programs differ, BuildKit's way is taken: a number sets all twelve bits, also those of a
// directory; X looks at the mode before the change; "=" leaves the sticky bit alone; no umask takes
// anything away.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_CHMOD_CHANGE_H_
#define VENEER_TOOLS_DOCKERFILE_CHMOD_CHANGE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

class ChmodChange {
 public:
  // `text` has no variables any more. Usage error: it is no mode.
  static Result<ChmodChange> Parse(std::string_view text);

  // The twelve bits of `mode` (those of its type are not looked at) after the change.
  uint32_t Apply(uint32_t mode, bool directory) const;

 private:
  // One operator and what is on both sides of it.
  struct Action {
    uint32_t who = 0;  // the bits that it may change
    char operation = '=';
    uint32_t bits = 0;
    bool execute_if_any = false;  // X
    char copy_of = 0;             // 'u', 'g', 'o'; 0: none
  };

  static bool TakeActions(std::string_view text, std::vector<Action>* actions);

  std::vector<Action> actions_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_CHMOD_CHANGE_H_
