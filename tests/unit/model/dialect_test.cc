// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/dialect.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace veneer {
namespace {

constexpr PrivateNames kAll = {.override_stat = kOverrideStat};
constexpr PrivateNames kTrustedOnly = {.user = false, .fuse_overlayfs = false};

TEST(DialectTest, PrivateNamesOfEveryDialectAreEscaped) {
  for (const auto& [name, on_disk] : std::vector<std::pair<std::string, std::string>>{
           {"trusted.overlay.opaque", "trusted.overlay.overlay.opaque"},
           {"trusted.overlay.overlay.opaque", "trusted.overlay.overlay.overlay.opaque"},
           {"user.overlay.redirect", "user.overlay.overlay.redirect"},
           {"user.fuseoverlayfs.opaque", "user.fuseoverlayfs.overlay.opaque"},
           {"user.containers.override_stat", "user.containers.overlay.override_stat"},
           {"user.overlay.veneer.origin", "user.overlay.overlay.veneer.origin"}}) {
    EXPECT_EQ(EscapeXattr(name, kAll), on_disk);
    EXPECT_EQ(UnescapeXattr(on_disk, kAll), name);
  }
  for (const char* name : {"user.x", "trusted.overlayx", "security.capability", "user.overlays"}) {
    EXPECT_EQ(EscapeXattr(name, kAll), name);
    EXPECT_EQ(UnescapeXattr(name, kAll), name);
  }
  for (const char* mark : {"trusted.overlay.opaque", "user.containers.override_stat"}) {
    EXPECT_EQ(UnescapeXattr(mark, kAll), std::nullopt) << "what speaks of the tree is no data";
  }
}

TEST(DialectTest, WhatMeansNothingInATreeIsDataThere) {
  for (const char* name : {"user.overlay.opaque", "user.fuseoverlayfs.opaque", kOverrideStat}) {
    EXPECT_EQ(EscapeXattr(name, kTrustedOnly), name);
    EXPECT_EQ(UnescapeXattr(name, kTrustedOnly), name);
  }
  EXPECT_EQ(UnescapeXattr("trusted.overlay.opaque", kTrustedOnly), std::nullopt);
  const PrivateNames privileged = {.override_stat = kOverrideStats[0]};
  EXPECT_EQ(EscapeXattr("security.fuseoverlayfs.override_stat", privileged),
            "security.fuseoverlayfs.overlay.override_stat");
  EXPECT_EQ(EscapeXattr("security.capability", privileged), "security.capability");
}

TEST(DialectTest, WhatSaysHowATreeIsWrittenIsEscapedInEachOfOurs) {
  const PrivateNames ours = {.user = false, .fuse_overlayfs = false, .own_upper = true};
  PrivateNames counting = ours;
  counting.override_stat = kOverrideStat;
  for (const PrivateNames& privates : {ours, counting}) {
    for (const auto& [name, on_disk] : std::vector<std::pair<std::string, std::string>>{
             {"user.containers.override_stat", "user.containers.overlay.override_stat"},
             {"user.containers.overlay.override_stat",
              "user.containers.overlay.overlay.override_stat"},
             {"user.fuseoverlayfs.override_stat", "user.fuseoverlayfs.overlay.override_stat"},
             {"security.fuseoverlayfs.override_stat",
              "security.fuseoverlayfs.overlay.override_stat"},
             {"user.overlay.veneer.upper", "user.overlay.overlay.veneer.upper"},
             {"trusted.overlay.veneer.upper", "trusted.overlay.overlay.veneer.upper"},
             {"user.containers.other", "user.containers.other"},
             {"user.overlay.opaque", "user.overlay.opaque"}}) {
      EXPECT_EQ(EscapeXattr(name, privates), on_disk);
      EXPECT_EQ(UnescapeXattr(on_disk, privates), name);
    }
  }
  EXPECT_EQ(UnescapeXattr(kOverrideStat, counting), std::nullopt);
  EXPECT_EQ(UnescapeXattr(kOverrideStat, ours), kOverrideStat) << "the kernel has set it";
  EXPECT_TRUE(MayBeUnescaped(kOverrideStat, ours));
  EXPECT_FALSE(MayBeUnescaped(kOverrideStat, counting));
  EXPECT_FALSE(MayBeUnescaped(kOverrideStat, kTrustedOnly));
  EXPECT_EQ(UnescapeXattr("user.overlay.veneer.upper", ours), "user.overlay.veneer.upper")
      << "the kernel has set it";
}

TEST(DialectTest, AnOrdinaryUsersUpperEscapesTheNamesThatWouldMakeItRoots) {
  const PrivateNames users = {.trusted = false, .fuse_overlayfs = false, .own_upper = true};
  EXPECT_EQ(EscapeXattr("trusted.overlay.opaque", users), "trusted.overlay.overlay.opaque");
  EXPECT_EQ(UnescapeXattr("trusted.overlay.overlay.opaque", users), "trusted.overlay.opaque");
  EXPECT_EQ(UnescapeXattr("trusted.overlay.opaque", users), "trusted.overlay.opaque")
      << "from before";
  EXPECT_EQ(UnescapeXattr("user.overlay.veneer.upper", users), std::nullopt);
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
