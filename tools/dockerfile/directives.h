// SPDX-License-Identifier: Apache-2.0
//
// The parser directives at the top of a Dockerfile: # syntax=, # escape=, # check=.
//
// A pure state machine: it takes the lines, one after the other.
#ifndef VENEER_TOOLS_DOCKERFILE_DIRECTIVES_H_
#define VENEER_TOOLS_DOCKERFILE_DIRECTIVES_H_

#include <set>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

class DirectiveReader {
 public:
  // Takes the next line, without its end, and sets in `file` what the line says. The first line
  // that is no directive is the last one that is looked at. Usage error: a directive that is given
  // twice, an escape character other than a backslash and a backtick.
  Result<void> Take(std::string_view line, Dockerfile* file);

 private:
  bool done_ = false;
  std::set<std::string> seen_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_DIRECTIVES_H_
