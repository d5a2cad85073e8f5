// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/chmod_change.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace veneer {
namespace {

TEST(ChmodChangeTest, ChangesTheModeOfFilesAndDirectories) {
  struct Case {
    std::string text;
    uint32_t mode, file, directory;
  };
  const std::vector<Case> cases = {
      {"755", 0600, 0755, 0755},         {"0", 07777, 0, 0},
      {"4755", 0, 04755, 04755},         {"07777", 0, 07777, 07777},
      {"000644", 02755, 0644, 0644},     {"+x", 0644, 0755, 0755},
      {"+w", 0444, 0666, 0666},          {"a-w", 0777, 0555, 0555},
      {"-x", 0755, 0644, 0644},          {"u+x", 0644, 0744, 0744},
      {"go=", 0777, 0700, 0700},         {"u=rwX,go=rX", 0600, 0644, 0755},
      {"u=rwX,go=rX", 0700, 0755, 0755}, {"a+X", 0644, 0644, 0755},
      {"a+X", 0744, 0755, 0755},         {"u-x,a+X", 0744, 0755, 0755},
      {"a-X", 0755, 0644, 0644},         {"u+s", 0755, 04755, 04755},
      {"g+s", 0755, 02755, 02755},       {"+s", 0755, 06755, 06755},
      {"o+s", 0755, 0755, 0755},         {"+t", 0777, 01777, 01777},
      {"o+t", 0777, 01777, 01777},       {"-t", 01777, 0777, 0777},
      {"u=rwx", 04644, 0744, 0744},      {"a=r", 07777, 01444, 01444},
      {"=r", 07777, 01444, 01444},       {"g=u", 0640, 0660, 0660},
      {"go=u-w", 0751, 0755, 0755},      {"o-g", 0777, 0770, 0770},
      {"u+r-w+x", 0200, 0500, 0500},     {"ug+rw,o=r", 0100, 0764, 0764},
      {"a+", 0640, 0640, 0640},
  };
  for (const auto& [text, mode, file, directory] : cases) {
    const auto change = ChmodChange::Parse(text);
    ASSERT_TRUE(change) << text;
    EXPECT_EQ(change->Apply(mode, false), file) << text;
    EXPECT_EQ(change->Apply(0100000 | mode, true), directory) << text;
  }
}

TEST(ChmodChangeTest, WhatIsNoModeIsRefused) {
  for (const char* text : {"", "8", "10000", "0o755", "u", "ux", "z+x", "u+y", "u+x,", ",u+x",
                           "u+x,,g+x", "rwx", "u=gr", "=755", "u +x", "-1", "99999999999"}) {
    const auto change = ChmodChange::Parse(text);
    ASSERT_FALSE(change) << text;
    EXPECT_EQ(change.error().exit(), ExitCode::kUsage);
    EXPECT_NE(change.error().message().find("is no mode"), std::string::npos);
  }
}

}  // namespace
}  // namespace veneer
