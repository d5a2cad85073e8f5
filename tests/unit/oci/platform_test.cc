// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/platform.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace veneer {
namespace {

TEST(PlatformTest, IsReadAsPeopleWriteIt) {
  const std::vector<std::pair<std::string, Platform>> good = {
      {"linux/amd64", {"linux", "amd64", ""}},
      {"linux/x86_64", {"linux", "amd64", ""}},
      {"linux/arm64", {"linux", "arm64", "v8"}},
      {"linux/aarch64", {"linux", "arm64", "v8"}},
      {"linux/arm/v6", {"linux", "arm", "v6"}},
      {"linux/386", {"linux", "386", ""}},
      {"linux/amd64/v3", {"linux", "amd64", "v3"}},
      {"windows/amd64", {"windows", "amd64", ""}},
      {"arm64", {"linux", "arm64", "v8"}},
      {"x86_64", {"linux", "amd64", ""}},
      {"linux", HostPlatform()},
  };
  for (const auto& [text, expected] : good) EXPECT_EQ(ParsePlatform(text), expected) << text;
  EXPECT_EQ(ParsePlatform("linux/aarch64")->ToString(), "linux/arm64/v8");
  for (const char* text : {"", "/", "linux/", "/amd64", "windows", "mips", "a/b/c/d", "Linux/amd64",
                           "a/b\n", "a b/c", "linux/a b", "linux//v8", "linux/../x"}) {
    const Result<Platform> platform = ParsePlatform(text);
    ASSERT_FALSE(platform) << text;
    EXPECT_EQ(platform.error().exit(), ExitCode::kUsage);
  }
}

TEST(PlatformTest, TheHostFitsItself) { EXPECT_GT(PlatformFit(HostPlatform(), HostPlatform()), 0); }

TEST(PlatformTest, AVariantThatIsNotSaidIsTheUsualOne) {
  EXPECT_GT(PlatformFit({"linux", "arm64", ""}, {"linux", "arm64", "v8"}), 0);
  EXPECT_GT(PlatformFit({"linux", "arm64", "v8"}, {"linux", "arm64", ""}), 0);
  EXPECT_GT(PlatformFit({"linux", "amd64", ""}, {"linux", "amd64", "v1"}), 0);
  EXPECT_EQ(PlatformFit({"linux", "amd64", ""}, {"linux", "amd64", "v3"}), 0);
  EXPECT_EQ(PlatformFit({"linux", "amd64", ""}, {"windows", "amd64", ""}), 0);
  EXPECT_EQ(PlatformFit({"linux", "amd64", ""}, {"", "", ""}), 0);
}

TEST(PlatformTest, AnArmRunsWhatIsForEarlierOnesAndLikesTheLatest) {
  const Platform seven{"linux", "arm", "v7"};
  const int same = PlatformFit(seven, {"linux", "arm", ""});
  const int six = PlatformFit(seven, {"linux", "arm", "v6"});
  const int five = PlatformFit(seven, {"linux", "arm", "v5"});
  EXPECT_GT(same, six);
  EXPECT_GT(six, five);
  EXPECT_GT(five, 0);
  EXPECT_EQ(PlatformFit({"linux", "arm", "v6"}, seven), 0);
  EXPECT_EQ(PlatformFit(seven, {"linux", "arm", "odd"}), 0);
}

}  // namespace
}  // namespace veneer
