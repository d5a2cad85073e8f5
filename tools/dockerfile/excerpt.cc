// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/excerpt.h"

#include <algorithm>
#include <vector>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

constexpr size_t kAround = 2;
constexpr size_t kNumberWidth = 4;
// A generated line may be as long as the whole Dockerfile.
constexpr size_t kMaxLine = 1000;
constexpr std::string_view kRule = "--------------------\n";

// Without the ends of lines; what is behind the last one is a line unless it is empty.
std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

std::string DockerfileExcerpt(std::string_view name, std::string_view text, int first, int last) {
  const std::vector<std::string_view> lines = LinesOf(text);
  if (first < 1 || static_cast<size_t>(first) > lines.size()) return "";
  const auto begin = static_cast<size_t>(first);
  const size_t end = std::min(static_cast<size_t>(std::max(last, first)), lines.size());
  std::string shown = Printable(name) + ":" + std::to_string(begin) + "\n";
  shown += kRule;
  for (size_t number = begin - std::min(begin - 1, kAround);
       number <= std::min(end + kAround, lines.size()); ++number) {
    std::string line = std::to_string(number);
    line.insert(0, kNumberWidth - std::min(line.size(), kNumberWidth), ' ');
    line += number >= begin && number <= end ? " | >>> " : " |     ";
    const std::string_view text_of_line = lines[number - 1];
    line += Printable(text_of_line.substr(0, kMaxLine), "\t");
    if (text_of_line.size() > kMaxLine) line += "...";
    line.resize(line.find_last_not_of(" \t") + 1);
    shown += line + "\n";
  }
  return shown.append(kRule);
}

}  // namespace veneer
