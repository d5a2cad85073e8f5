// SPDX-License-Identifier: Apache-2.0
//
// Where an instruction says that lines follow (the Dockerfile reference, "Here-Documents"):
// RUN <<EOF, COPY <<a.txt <<"b c" /dir/. Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_HEREDOC_H_
#define VENEER_TOOLS_DOCKERFILE_HEREDOC_H_

#include <string>
#include <string_view>
#include <vector>

namespace veneer {

struct HeredocMark {
  std::string name;  // without quotes
  bool expand = true;
  bool strip_tabs = false;  // <<-
};

// The words of an instruction that are [DIGITS]<<NAME or [DIGITS]<<-NAME as a whole, in their
// order. None where a quote is not closed: the line is something else then. The escape
// character is a backslash here, whatever the directive says.
std::vector<HeredocMark> FindHeredocs(std::string_view line);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_HEREDOC_H_
