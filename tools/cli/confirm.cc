// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/confirm.h"

#include <cstdio>
#include <iostream>

#include "tools/cli/context.h"
#include "tools/format/table.h"

namespace veneer {

bool Confirm(const std::string& warning, const std::vector<std::string>& filters) {
  PrintLine("WARNING! " + warning);
  if (!filters.empty()) {
    PrintLine("");
    PrintLine("  Items to be pruned will be filtered with:");
    for (const std::string& filter : filters) PrintLine("  - " + Printable(filter));
    PrintLine("");
  }
  Print("Are you sure you want to continue? [y/N] ");
  fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  while (!answer.empty() && (answer.back() == '\r' || answer.back() == ' ')) answer.pop_back();
  return answer == "y" || answer == "Y";
}

}  // namespace veneer
