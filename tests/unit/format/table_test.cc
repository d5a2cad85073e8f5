// SPDX-License-Identifier: Apache-2.0
#include "tools/format/table.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(TableTest, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  Table table({"REPOSITORY", "TAG", "SIZE"});
  table.Add({"debian", "12", "117MB"});
  table.Add({"a-rather-long-name", "läst", "1B"});
  EXPECT_EQ(table.ToString(),
            "REPOSITORY           TAG       SIZE\n"
            "debian               12        117MB\n"
            "a-rather-long-name   läst      1B\n");
}

TEST(TableTest, ControlCharactersOfANameDoNotReachTheTerminal) {
  Table table({"A"});
  table.Add({"x\x1b[2Jy\n"});
  EXPECT_EQ(table.ToString(), "A\nx?[2Jy \n");
}

TEST(HumanSizeTest, CountsInThousandsWithThreeDigits) {
  EXPECT_EQ(HumanSize(0), "0B");
  EXPECT_EQ(HumanSize(999), "999B");
  EXPECT_EQ(HumanSize(1000), "1kB");
  EXPECT_EQ(HumanSize(1234), "1.23kB");
  EXPECT_EQ(HumanSize(117'000'000), "117MB");
  EXPECT_EQ(HumanSize(999'900'000), "999.9MB");
  EXPECT_EQ(HumanSize(12'345'678'901), "12.3GB");
  EXPECT_EQ(HumanSize(UINT64_MAX), "18.4EB");
}

TEST(EllipsisTest, CutsCharactersNotBytes) {
  EXPECT_EQ(Ellipsis("short", 5), "short");
  EXPECT_EQ(Ellipsis("longer", 5), "long…");
  EXPECT_EQ(Ellipsis("äöüäöü", 3), "äö…");
}

}  // namespace
}  // namespace veneer
