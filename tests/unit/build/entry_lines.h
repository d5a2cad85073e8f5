// SPDX-License-Identifier: Apache-2.0
//
// The entries of a CopyTree as lines, to compare them.
#ifndef VENEER_TESTS_UNIT_BUILD_ENTRY_LINES_H_
#define VENEER_TESTS_UNIT_BUILD_ENTRY_LINES_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/build/copy_tree.h"

namespace veneer {

// Writes each entry as a line: path, mode, owner, and contents or target.
class Recorder final : public EntrySink {
 public:
  Result<void> Add(const SourceEntry& entry, OpenContent open_content) override {
    char mode[64];
    std::snprintf(mode, sizeof(mode), " %o %u:%u", entry.attr.mode, entry.attr.uid, entry.attr.gid);
    std::string line = "/" + entry.path + mode;
    if (entry.attr.type == FileType::kSymlink) line += " -> " + entry.target;
    if (entry.attr.type == FileType::kRegular && entry.attr.size > 0) {
      VENEER_TRY(const auto content, open_content());
      std::string bytes(content->content.bytes);
      if (content->fd() >= 0) {
        bytes.resize(entry.attr.size);
        EXPECT_EQ(::pread(content->fd(), bytes.data(), bytes.size(), 0),
                  static_cast<ssize_t>(bytes.size()));
      }
      line += " " + bytes;
    }
    lines.push_back(line);
    if (entry.key) keys.insert(*entry.key);
    return {};
  }
  Result<void> Whiteout(std::string_view) override { return MakeError("a whiteout"); }
  Result<void> Opaque(std::string_view) override { return MakeError("an opaque mark"); }

  std::vector<std::string> lines;
  std::set<TarLinkKey> keys;  // of files that may have several names
};

inline std::vector<std::string> LinesOf(CopyTree& tree) {
  Recorder recorder;
  const auto run = tree.Run(recorder);
  EXPECT_TRUE(run) << run.error().message();
  return recorder.lines;
}

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_BUILD_ENTRY_LINES_H_
