// SPDX-License-Identifier: Apache-2.0
//
// Names that are made up, names that are near, and what to do about a failure.
#include <gtest/gtest.h>

#include <set>

#include "tools/cli/advice.h"
#include "tools/run/made_up_name.h"
#include "tools/cli/suggest.h"

namespace veneer {
namespace {

TEST(MadeUpNames, AreManyAndAllAreNames) {
  std::set<std::string> names;
  for (uint64_t i = 0; i < 5000; ++i) {
    const std::string name = MadeUpName(i);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 4096U);
}

TEST(DidYouMeanTest, NamesTheNearest) {
  const std::vector<std::string> names = {"debian:12", "alpine:3",     "mongo:3.2",
                                          "web",       "nginx:latest", "team/tool:1"};
  const std::vector<std::pair<std::string, std::string>> near = {
      {"debain:12", "debian:12"}, {"debian", "debian:12"},   {"debian:bookworm", "debian:12"},
      {"alpne", "alpine:3"},      {"mong", "mongo:3.2"},     {"deb", "debian:12"},
      {"tool", "team/tool:1"},    {"mong:3.2", "mongo:3.2"}, {"wbe", "web"}};
  for (const auto& [wanted, name] : near) {
    EXPECT_EQ(DidYouMean(wanted, names), "; did you mean " + name + "?") << wanted;
  }
  for (const char* far : {"ubunt", "postgres", "no such name"}) {
    EXPECT_EQ(DidYouMean(far, names), "") << far;
  }
}

TEST(AdviceTest, StandsBehindTheMessage) {
  EXPECT_EQ(MessageWithAdvice(Error("it failed")), "it failed");
  EXPECT_EQ(MessageWithAdvice(DamageError("index x is damaged").value().Context("mount a")),
            "mount a: index x is damaged; run `veneer fsck`");
  EXPECT_EQ(
      MessageWithAdvice(Error("container web is in use").Because(Reason::kContainerInUse, "web")),
      "container web is in use; `veneer umount web` first");
}

}  // namespace
}  // namespace veneer
