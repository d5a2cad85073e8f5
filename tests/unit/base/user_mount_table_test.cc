// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/user_mount_table.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(UserMountTableTest, AnEntryIsWrittenAsLibmountReadsIt) {
  EXPECT_EQ(UnmountHelperEntry("veneerfs", "/mnt/a b\\c"),
            "SRC=veneerfs TARGET=/mnt/a\\040b\\134c ROOT=/ OPTS=uhelper=fuse.veneerfs\n");
}

TEST(UserMountTableTest, OnlyOwnEntriesAreDropped) {
  const std::string others =
      "SRC=/dev/sdb1 TARGET=/media/x ROOT=/ OPTS=uhelper=udisks2\n"
      "ID=7 SRC=nfs:/a TARGET=/m ROOT=/ OPTS=_netdev\n"
      "nonsense\n";
  const std::string mine = UnmountHelperEntry("veneerfs", "/m");
  const std::string second = UnmountHelperEntry("veneerfs", "/n");
  const auto drop_m = [](const std::string& target) { return target == "/m"; };
  EXPECT_EQ(WithoutUnmountHelpers(mine + others + second, drop_m), others + second);
  const auto drop_all = [](const std::string&) { return true; };
  EXPECT_EQ(WithoutUnmountHelpers(others + mine + second, drop_all), others);
  EXPECT_EQ(WithoutUnmountHelpers("", drop_all), "");
}

}  // namespace
}  // namespace veneer
