// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/staging_dir.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "layerdb/catalog/layout.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

class StagingDirTest : public testing::Test {
 protected:
  StagingDirTest() { std::filesystem::create_directories(layout_.staging()); }
  ~StagingDirTest() override { std::filesystem::remove_all(layout_.root()); }

  size_t Count() const {
    const auto entries = std::filesystem::directory_iterator(layout_.staging());
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }
  // A process that ends without having removed its directory.
  void MakeAndDie() const {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto made = StagingDir::Make(layout_);
      if (made) std::ofstream((*made)->path() + "/tmp") << "work";
      ::_exit(made ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }

  const StoreLayout layout_{MakeTempDir("staging")};
};

TEST_F(StagingDirTest, TheNextRemovesThatOfAKilledProcess) {
  MakeAndDie();
  ASSERT_EQ(Count(), 1U);
  const auto next = StagingDir::Make(layout_).value();
  EXPECT_EQ(Count(), 1U);
  EXPECT_TRUE(std::filesystem::is_directory(next->path()));
}

TEST_F(StagingDirTest, TheNextLeavesThoseInUseAndWhatIsKeptForOthers) {
  const auto first = StagingDir::Make(layout_).value();
  std::filesystem::create_directory(layout_.staging() + "/layer-0123");
  std::ofstream(layout_.staging() + "/blob-sha256-0123") << "half";
  const auto second = StagingDir::Make(layout_).value();
  EXPECT_TRUE(std::filesystem::is_directory(first->path()));
  EXPECT_EQ(Count(), 4U);
}

}  // namespace
}  // namespace veneer
