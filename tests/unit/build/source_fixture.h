// SPDX-License-Identifier: Apache-2.0
//
// Two directories of a test: one to copy from, and one to copy into.
#ifndef VENEER_TESTS_UNIT_BUILD_SOURCE_FIXTURE_H_
#define VENEER_TESTS_UNIT_BUILD_SOURCE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/temp_dir.h"
#include "tools/build/source_tree.h"

namespace veneer {

class SourceFixture : public testing::Test {
 protected:
  SourceFixture() {
    std::filesystem::create_directories(dir_ + "/from");
    std::filesystem::create_directories(dir_ + "/below");
  }
  ~SourceFixture() override { std::filesystem::remove_all(dir_); }

  std::string From(const std::string& name) const { return dir_ + "/from/" + name; }
  std::string Below(const std::string& name) const { return dir_ + "/below/" + name; }

  static void Write(const std::string& path, const std::string& text, mode_t mode = 0644) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  static std::unique_ptr<SourceTree> Open(const std::string& path) {
    Result<std::unique_ptr<SourceTree>> tree = SourceTree::OfDirectory(path);
    EXPECT_TRUE(tree) << tree.error().message();
    return *std::move(tree);
  }
  std::unique_ptr<SourceTree> OpenFrom() const { return Open(dir_ + "/from"); }
  std::unique_ptr<SourceTree> OpenBelow() const { return Open(dir_ + "/below"); }

  const std::string dir_ = MakeTempDir("Build");
};

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_BUILD_SOURCE_FIXTURE_H_
