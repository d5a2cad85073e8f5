// SPDX-License-Identifier: Apache-2.0
#include "tools/mount/helper_arguments.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

namespace veneer {
namespace {

TEST(HelperArgumentsTest, WhatMountGives) {
  const auto call = ParseMountCall({"none", "/m", "-s", "-o", "rw,lowerdir=/a", "-onoexec", "-t", "veneerfs"});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->source, "none");
  EXPECT_EQ(call->directory, "/m");
  EXPECT_EQ(call->options, "rw,lowerdir=/a,noexec");
  EXPECT_FALSE(call->fake);
  EXPECT_FALSE(call->remount);
  EXPECT_EQ(ParseMountCall({"none", "/m", "-r"})->options, "ro");
  EXPECT_TRUE(ParseMountCall({"none", "/m", "-fnv", "-o", "remount,ro"})->fake);
  EXPECT_TRUE(ParseMountCall({"none", "/m", "-o", "rw,remount"})->remount);
  EXPECT_FALSE(ParseMountCall({"none", "/m", "-o", "lowerdir=/remount"})->remount);
}

TEST(HelperArgumentsTest, WhatUmountGives) {
  const auto call = ParseUnmountCall({"/m", "-fn", "-l", "-r", "-v", "-t", "fuse.veneerfs"});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->directory, "/m");
  EXPECT_TRUE(call->force && call->lazy && call->read_only);
  EXPECT_FALSE(ParseUnmountCall({"/m"})->lazy);
}

TEST(HelperArgumentsTest, WhatIsNoCallIsAUsageError) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {}, {"none"}, {"a", "b", "c"}, {"none", "/m", "-o"}, {"none", "/m", "-z"}, {"none", "/m", "-N", "7"}}) {
    const auto call = ParseMountCall(words);
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().exit(), ExitCode::kUsage);
  }
  EXPECT_FALSE(ParseUnmountCall({}));
  EXPECT_FALSE(ParseUnmountCall({"/m", "-o", "x"}));
}

unsigned long FlagsOf(const char* mount, const char* file_system, const char* options) {
  MountEntry entry;
  entry.options = mount;
  entry.file_system_options = file_system;
  return RemountFlags(entry, options);
}

TEST(HelperArgumentsTest, ARemountKeepsTheFlagsThatNobodySpokeOf) {
  const auto flags = [](const char* mount, const char* options) { return FlagsOf(mount, "rw,user_id=0", options); };
  EXPECT_EQ(flags("rw,nosuid,nodev,noatime", "remount,ro"), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME);
  EXPECT_EQ(flags("ro,nosuid,noatime", "rw,suid,lowerdir=/a"), static_cast<unsigned long>(MS_NOATIME));
  EXPECT_EQ(flags("rw,noatime", "relatime"), static_cast<unsigned long>(MS_RELATIME));
  EXPECT_EQ(flags("rw,relatime", "ro,rw,ro"), MS_RDONLY | static_cast<unsigned long>(MS_RELATIME));
  EXPECT_EQ(flags("rw,noexec,noatime,nodiratime,nosymfollow", "ro"),
            MS_RDONLY | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_NOSYMFOLLOW);
  EXPECT_EQ(flags("rw,noatime,nosymfollow", "symfollow"), static_cast<unsigned long>(MS_NOATIME));
}

TEST(HelperArgumentsTest, ARemountKeepsTheFlagsOfTheFileSystemToo) {
  const char* present = "ro,sync,dirsync,lazytime,user_id=0";
  EXPECT_EQ(FlagsOf("rw,noatime", present, "noexec"),
            MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_NOATIME | MS_NOEXEC);
  EXPECT_EQ(FlagsOf("rw,noatime", present, "rw,async,nolazytime"), MS_DIRSYNC | static_cast<unsigned long>(MS_NOATIME));
}

TEST(HelperArgumentsTest, AMountWithoutAWordOnTimesOfAccessHasThemStrict) {
  EXPECT_EQ(FlagsOf("rw,nodiratime", "rw", "ro"),
            MS_RDONLY | MS_NODIRATIME | static_cast<unsigned long>(MS_STRICTATIME));
}

}  // namespace
}  // namespace veneer
