// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/dialect.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(DialectTest, PrivateNamesOfEveryDialect) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.redirect",
                           "user.fuseoverlayfs.opaque", "user.containers.override_stat",
                           "trusted.overlay.overlay.opaque", "user.overlay.veneer.origin"}) {
    EXPECT_TRUE(IsPrivateXattr(name)) << name;
  }
  for (const char* name : {"user.x", "trusted.overlayx", "security.capability", "user.overlays"}) {
    EXPECT_FALSE(IsPrivateXattr(name)) << name;
  }
}

TEST(DialectTest, EscapingIsUndoneByUnescaping) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.overlay.x", "user.plain"}) {
    EXPECT_EQ(UnescapeXattr(EscapeXattr(name)), name);
  }
  EXPECT_EQ(UnescapeXattr("trusted.overlay.opaque"), std::nullopt) << "a mark is no data";
  EXPECT_EQ(UnescapeXattr("user.containers.override_stat"), std::nullopt);
}

TEST(DialectTest, OverrideStat) {
  const auto plain = ParseOverrideStat("0:12:0755");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->uid, 0U);
  EXPECT_EQ(plain->gid, 12U);
  EXPECT_EQ(plain->mode, 0755U);
  EXPECT_EQ(ParseOverrideStat("1:2:4755:block-8-1")->type, "block-8-1");
  EXPECT_EQ(FormatOverrideStat(*ParseOverrideStat("1:2:0640:file")), "1:2:0640:file");
  for (const char* bad :
       {"", "1", "1:2", "1:2:", "a:2:0644", "1:2:0899", "1:2:0644x", "-1:0:0644"}) {
    EXPECT_FALSE(ParseOverrideStat(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace veneer
