// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/auth_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veneer {
namespace {

using testing::ElementsAre;

constexpr uid_t kUser = 1000;

TEST(AuthPlacesTest, TheOrderIsThatOfTheContainersToolsAndThenDocker) {
  const AuthPlaces places =
      PlacesOf({"/a.json", "/run/user/1000", "/conf", "/docker", "/home/u", kUser}, {});
  EXPECT_THAT(places.files, ElementsAre("/a.json", "/run/user/1000/containers/auth.json",
                                        "/conf/containers/auth.json", "/docker/config.json"));
  EXPECT_EQ(places.given, "/a.json");
}

TEST(AuthPlacesTest, WithoutVariablesTheDirectoriesAreThoseOfTheHome) {
  const AuthPlaces places = PlacesOf({"", "", "", "", "/home/u", kUser}, {});
  EXPECT_THAT(places.files,
              ElementsAre("/run/containers/1000/auth.json", "/home/u/.config/containers/auth.json",
                          "/home/u/.docker/config.json"));
  EXPECT_EQ(places.given, std::nullopt);
  EXPECT_EQ(places.fresh, "/home/u/.config/containers/auth.json");
}

TEST(AuthPlacesTest, AFreshFileIsTheOneOfPodman) {
  EXPECT_EQ(PlacesOf({"", "/run/user/1000", "", "", "/home/u", kUser}, {}).fresh,
            "/run/user/1000/containers/auth.json");
  EXPECT_EQ(PlacesOf({"", "", "", "", "/root", 0}, {}).fresh, "/run/containers/0/auth.json");
  EXPECT_EQ(PlacesOf({"", "", "", "", "", kUser}, {}).fresh, "");
}

TEST(AuthPlacesTest, AFileOfTheCommandLineIsTheOnlyOne) {
  const AuthPlaces places = PlacesOf({"/a.json", "/run", "/conf", "/docker", "/home/u", 0}, "mine");
  EXPECT_THAT(places.files, ElementsAre("mine"));
  EXPECT_EQ(places.given, "mine");
}

}  // namespace
}  // namespace veneer
