// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/mount_table.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

namespace veneer {

namespace {

// proc(5): space, tab, newline and backslash are written as \ooo.
std::string UnescapeOctal(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) &&
        octal(text[i + 3])) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t space = line.find(' ');
    if (space != 0) words.push_back(line.substr(0, space));
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  return words;
}

Result<std::vector<MountEntry>> ReadTable(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return MakeError(Errno{errno == 0 ? EIO : errno}, "read " + path);
  return ParseMountInfo(text.str());
}

}  // namespace

std::vector<MountEntry> ParseMountInfo(std::string_view text) {
  std::vector<MountEntry> table;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::vector<std::string_view> words = Words(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    // id parent device root mount-point options [optional...] - type source super-options
    size_t dash = 6;
    while (dash < words.size() && words[dash] != "-") ++dash;
    if (dash + 2 >= words.size()) continue;
    MountEntry entry;
    entry.id = words[0];
    entry.device = words[2];
    entry.mount_point = UnescapeOctal(words[4]);
    entry.options = words[5];
    entry.type = UnescapeOctal(words[dash + 1]);
    entry.source = UnescapeOctal(words[dash + 2]);
    if (dash + 3 < words.size()) entry.file_system_options = words[dash + 3];
    table.push_back(std::move(entry));
  }
  return table;
}

Result<std::vector<MountEntry>> ReadMountTable() { return ReadTable("/proc/self/mountinfo"); }

Result<std::vector<MountEntry>> ReadMountTable(pid_t process) {
  return ReadTable("/proc/" + std::to_string(process) + "/mountinfo");
}

std::optional<MountEntry> FindMountAt(const std::vector<MountEntry>& table, std::string_view path) {
  std::optional<MountEntry> found;
  for (const MountEntry& entry : table) {  // a later one lies on top
    if (entry.mount_point == path) found = entry;
  }
  return found;
}

Result<std::string> AbsolutePath(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  if (trimmed.empty()) return MakeError("an empty path", ExitCode::kUsage);
  const size_t slash = trimmed.rfind('/');
  const std::string leaf = slash == std::string::npos ? trimmed : trimmed.substr(slash + 1);
  // "..", "." and "/" have no last component of their own.
  const bool whole = leaf.empty() || leaf == "." || leaf == "..";
  std::string parent = whole                        ? trimmed
                       : slash == std::string::npos ? "."
                                                    : trimmed.substr(0, slash + 1);
  const std::unique_ptr<char, decltype(&free)> real(::realpath(parent.c_str(), nullptr), &free);
  if (!real) return MakeError(Errno{errno}, path);
  std::string absolute = real.get();
  if (whole) return absolute;
  return (absolute == "/" ? "" : absolute) + "/" + leaf;
}

}  // namespace veneer
