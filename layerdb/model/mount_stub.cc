// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/mount_stub.h"

#include <charconv>
#include <utility>

namespace veneer {

namespace {

bool ToInt(std::string_view text, int64_t* number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string FormatStub(const Stub& stub) {
  std::string text = stub.directory ? "d " : "f ";
  text +=
      std::to_string(stub.parent_mtime.sec) + "." + std::to_string(stub.parent_mtime.nsec) + " ";
  text += stub.path;
  text += '\0';
  return text;
}

std::vector<Stub> ParseStubs(std::string_view text) {
  std::vector<Stub> stubs;
  for (size_t end; (end = text.find('\0')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    if (line.size() < 2 || (line[0] != 'd' && line[0] != 'f') || line[1] != ' ') continue;
    const size_t space = line.find(' ', 2);
    const size_t point = line.find('.', 2);
    if (space == std::string_view::npos || point == std::string_view::npos || point > space)
      continue;
    Stub stub;
    stub.directory = line[0] == 'd';
    int64_t nsec = 0;
    if (!ToInt(line.substr(2, point - 2), &stub.parent_mtime.sec) ||
        !ToInt(line.substr(point + 1, space - point - 1), &nsec) || nsec < 0 ||
        nsec > 999'999'999) {
      continue;
    }
    stub.parent_mtime.nsec = static_cast<uint32_t>(nsec);
    stub.path = line.substr(space + 1);
    if (stub.path.size() < 2 || stub.path.front() != '/') continue;
    stubs.push_back(std::move(stub));
  }
  return stubs;
}

}  // namespace veneer
