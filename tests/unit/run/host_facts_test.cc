// SPDX-License-Identifier: Apache-2.0
#include "tools/run/host_facts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace veneer {
namespace {

TEST(FeaturesOf, GoesByTheVersionAndTheParameter) {
  const KernelFeatures old = FeaturesOf("6.8.12-generic", std::nullopt);
  EXPECT_FALSE(old.passthrough);
  EXPECT_FALSE(old.idmapped);
  EXPECT_EQ(old.io_uring, std::nullopt);
  const KernelFeatures recent = FeaturesOf("6.18.1", "N");
  EXPECT_TRUE(recent.passthrough);
  EXPECT_TRUE(recent.idmapped);
  EXPECT_EQ(recent.io_uring, false);
  EXPECT_EQ(FeaturesOf("7.0-rc1", "Y\n").io_uring, true);
  EXPECT_TRUE(FeaturesOf("7.0-rc1", "Y\n").passthrough);
  EXPECT_FALSE(FeaturesOf("strange", std::nullopt).passthrough);
}

TEST(LibfuseVersionOf, AsksTheProgram) {
  const std::string path = ::testing::TempDir() + "veneer-host-facts";
  std::ofstream(path) << "#!/bin/sh\nprintf 'veneerfs 1\\nlibfuse 3.99.0\\n'\n";
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  EXPECT_EQ(*LibfuseVersionOf(path), "3.99.0");
  std::ofstream(path) << "#!/bin/sh\nexit 3\n";
  EXPECT_FALSE(LibfuseVersionOf(path));
  EXPECT_FALSE(LibfuseVersionOf(path + ".missing"));
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace veneer
