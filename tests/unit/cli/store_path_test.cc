// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/store_path.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

StorePathInputs User() {
  StorePathInputs inputs;
  inputs.uid = 1000;
  inputs.home = "/home/u";
  inputs.cwd = "/work";
  return inputs;
}

TEST(StorePath, IsInTheHomeOfAUserAndInVarOfRoot) {
  StorePathInputs inputs = User();
  EXPECT_EQ(*ResolveStorePath(inputs), "/home/u/.local/share/veneer");
  inputs.xdg_data_home = "/data/";
  EXPECT_EQ(*ResolveStorePath(inputs), "/data/veneer");
  inputs.xdg_data_home = "relative";  // to be ignored, says the specification
  EXPECT_EQ(*ResolveStorePath(inputs), "/home/u/.local/share/veneer");
  inputs.uid = 0;
  EXPECT_EQ(*ResolveStorePath(inputs), "/var/lib/veneer");
}

TEST(StorePath, IsWhatTheUserSaysFirst) {
  StorePathInputs inputs = User();
  inputs.veneer_root = "sub/../store/";
  EXPECT_EQ(*ResolveStorePath(inputs), "/work/store");
  inputs.root_option = "/elsewhere";
  EXPECT_EQ(*ResolveStorePath(inputs), "/elsewhere");
  inputs.root_option = "/";
  EXPECT_EQ(*ResolveStorePath(inputs), "/");
}

TEST(StorePath, IsAnErrorWhereThereIsNone) {
  StorePathInputs inputs = User();
  inputs.root_option = "";
  EXPECT_EQ(ResolveStorePath(inputs).error().exit(), ExitCode::kUsage);
  inputs = User();
  inputs.home.reset();
  EXPECT_EQ(ResolveStorePath(inputs).error().exit(), ExitCode::kUsage);
}

}  // namespace
}  // namespace veneer
