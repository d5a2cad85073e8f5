// SPDX-License-Identifier: Apache-2.0
#include "fs/options/mount_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace veneer {
namespace {

using ::testing::Contains;
using ::testing::Not;

constexpr MountHost kRoot{.root = true, .selinux = false};
constexpr MountHost kUser{.root = false, .selinux = false};

// Which of two words libfuse obeys: the later one.
bool Beats(const std::vector<std::string>& args, const std::string& winner,
           const std::string& loser) {
  const auto last = [&args](const std::string& word) {
    return std::find(args.rbegin(), args.rend(), word).base() - args.begin();
  };
  return last(winner) > last(loser);
}

MountOptions Writable() {
  MountOptions options;
  options.upperdir = "/u";
  return options;
}

TEST(MountArgumentsTest, WhatTheMountOfALayerForbidsIsAllowedOnlyOnDemand) {
  const MountHost host{.root = true, .selinux = false, .layers_nosuid = true, .layers_nodev = true};
  auto args = MountArguments(Writable(), host);
  EXPECT_THAT(args, Contains("nosuid"));
  EXPECT_THAT(args, Contains("nodev"));
  MountOptions options = Writable();
  options.flags = {"suid"};
  args = MountArguments(options, host);
  EXPECT_TRUE(Beats(args, "suid", "nosuid"));
  EXPECT_THAT(args, Contains("nodev"));
}

TEST(MountArgumentsTest, RootSharesTheMountAndItsDevices) {
  const auto args = MountArguments(Writable(), kRoot);
  EXPECT_EQ(args.front(), "veneerfs");
  for (const char* word : {"default_permissions", "allow_other", "suid", "dev", "noatime",
                           "fsname=veneerfs", "subtype=veneerfs"}) {
    EXPECT_THAT(args, Contains(word));
  }
  EXPECT_THAT(args, Not(Contains("ro")));
}

TEST(MountArgumentsTest, AUserAsksForNothingThatFusermountRefuses) {
  const auto args = MountArguments(Writable(), kUser);
  EXPECT_THAT(args, Contains("default_permissions"));
  for (const char* word : {"allow_other", "suid", "dev", "ro"})
    EXPECT_THAT(args, Not(Contains(word)));
}

TEST(MountArgumentsTest, WithoutAnUpperDirectoryItIsReadOnlyWhateverWasAsked) {
  MountOptions options;
  options.flags = {"rw"};
  EXPECT_TRUE(Beats(MountArguments(options, kRoot), "ro", "rw"));
}

TEST(MountArgumentsTest, TheCallersFlagsBeatTheDefaults) {
  MountOptions options = Writable();
  options.flags = {"nosuid", "nodev", "noexec"};
  const auto args = MountArguments(options, kRoot);
  EXPECT_TRUE(Beats(args, "nosuid", "suid"));
  EXPECT_TRUE(Beats(args, "nodev", "dev"));
}

TEST(MountArgumentsTest, AllowRootAndAllowOtherExcludeEachOther) {
  MountOptions options = Writable();
  options.allow_root = true;
  EXPECT_THAT(MountArguments(options, kRoot), Not(Contains("allow_other")));
  options.allow_root = false;
  options.allow_other = false;
  EXPECT_THAT(MountArguments(options, kRoot), Not(Contains("allow_other")));
  options.allow_other = true;
  EXPECT_THAT(MountArguments(options, kUser), Contains("allow_other"));
}

TEST(MountArgumentsTest, AContextGoesToTheKernelOnlyWhereSelinuxIs) {
  MountOptions options = Writable();
  options.context = "a:b:c1,c2";
  EXPECT_THAT(MountArguments(options, {.root = true, .selinux = true}),
              Contains(R"(context="a:b:c1\,c2")"));
  for (const std::string& word : MountArguments(options, kRoot)) {
    EXPECT_EQ(word.find("context"), std::string::npos) << word;
  }
}

TEST(MountArgumentsTest, NamesCannotSmuggleInOptions) {
  MountOptions options = Writable();
  options.fsname = R"(x,allow_root\)";
  EXPECT_THAT(MountArguments(options, kRoot), Contains(R"(fsname=x\,allow_root\\)"));
}

}  // namespace
}  // namespace veneer
