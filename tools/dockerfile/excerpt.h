// SPDX-License-Identifier: Apache-2.0
//
// The lines of a Dockerfile that an error is about, as BuildKit shows them.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_EXCERPT_H_
#define VENEER_TOOLS_DOCKERFILE_EXCERPT_H_

#include <string>
#include <string_view>

namespace veneer {

// The lines `first` to `last`, from 1, marked, with two before and two behind them, under `name`:
//
//   Dockerfile:3
//   --------------------
//      1 |     FROM debian
//      2 |
//      3 | >>> RUN false
//      4 |     RUN true
//   --------------------
//
// Of a line of more than 1,000 bytes the rest is left out. Characters that would steer the terminal
// become '?'. Empty where the text has no line `first`.
std::string DockerfileExcerpt(std::string_view name, std::string_view text, int first, int last);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_EXCERPT_H_
