// SPDX-License-Identifier: Apache-2.0
//
// A directory that lives as long as a test, and a small entry maker.
#ifndef VENEER_TESTS_UNIT_INDEX_TEMP_DIR_H_
#define VENEER_TESTS_UNIT_INDEX_TEMP_DIR_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "tests/support/temp_dir.h"

namespace veneer {

class TempDir {
 public:
  TempDir() : path_(MakeTempDir("index")) {}
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The value, or a failed test that says why.
template <class T>
T Must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message();
    std::abort();
  }
  return std::move(*result);
}
template <class T>
T Must(Sys<T> result) {
  if (!result) {
    ADD_FAILURE() << ErrnoText(result.error().code);
    std::abort();
  }
  return std::move(*result);
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  // A file that is cut to nothing and written again is flushed to disk by ext4; a new one is not.
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline IndexEntry DirectoryEntry(uint64_t ino, uint32_t mode = 0755) {
  IndexEntry entry;
  entry.attr.type = FileType::kDirectory;
  entry.attr.mode = mode;
  entry.attr.ino = ino;
  return entry;
}

inline IndexEntry FileEntry(uint64_t ino, const std::string& bytes, uint32_t nlink = 1) {
  IndexEntry entry;
  entry.attr.mode = 0644;
  entry.attr.ino = ino;
  entry.attr.nlink = nlink;
  entry.attr.size = bytes.size();
  entry.attr.blocks = DenseBlocks(bytes.size());
  entry.inline_bytes = bytes;
  return entry;
}

inline IndexEntry WhiteoutEntry() {
  IndexEntry entry;
  entry.whiteout = true;
  return entry;
}

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_INDEX_TEMP_DIR_H_
