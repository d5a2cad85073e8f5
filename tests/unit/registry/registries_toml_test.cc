// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registries_toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veneer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Result<RegistriesFile> Parse(const std::string& text,
                             RegistriesFileKind kind = RegistriesFileKind::kMain) {
  return ParseRegistriesFile(text, "conf", kind);
}
std::string Message(const std::string& text, RegistriesFileKind kind = RegistriesFileKind::kMain) {
  const auto file = Parse(text, kind);
  return file ? "accepted" : file.error().message();
}

TEST(RegistriesToml, CredentialHelpersAreEndsOfNames) {
  EXPECT_FALSE(Parse("credential-helpers = []")->credential_helpers);
  for (const char* text : {"5", "'pass'", "[5]", "['']", "['../pass']"}) {
    EXPECT_THAT(Message(std::string("credential-helpers = ") + text), HasSubstr("conf:1: "));
  }
}

TEST(RegistriesToml, ATableOfEverything) {
  const auto file = Parse(R"(
unqualified-search-registries = ["example.org:5000", "docker.io"]
short-name-mode = "enforcing"
credential-helpers = ["pass", "containers-auth.json"]

[[registry]]
prefix = "example.com/foo/"
location = "internal.example.net/bar"
insecure = true
blocked = true

[[registry.mirror]]
location = "mirror.example.net/foo/"
insecure = true
pull-from-mirror = "tag-only"

[[registry.mirror]]
location = "other.example.net"

[aliases]
"debian" = "docker.io/library/debian"
"gone" = ""
)");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_THAT(*file->search, ElementsAre("example.org:5000", "docker.io"));
  EXPECT_EQ(file->short_name_mode, ShortNameMode::kEnforcing);
  EXPECT_THAT(*file->credential_helpers, ElementsAre("pass", "containers-auth.json"));
  EXPECT_THAT(file->aliases,
              ElementsAre(Pair("debian", "docker.io/library/debian"), Pair("gone", "")));
  ASSERT_EQ(file->registries.size(), 1u);
  const RegistryEntry& entry = file->registries[0];
  EXPECT_EQ(entry.prefix, "example.com/foo");
  EXPECT_EQ(entry.location, "internal.example.net/bar");
  EXPECT_TRUE(entry.insecure);
  EXPECT_TRUE(entry.blocked);
  EXPECT_EQ(entry.where, "conf:6");
  ASSERT_EQ(entry.mirrors.size(), 2u);
  EXPECT_EQ(entry.mirrors[0].location, "mirror.example.net/foo");
  EXPECT_TRUE(entry.mirrors[0].insecure);
  EXPECT_EQ(entry.mirrors[0].use, RegistryMirror::Use::kTagOnly);
  EXPECT_FALSE(entry.mirrors[1].insecure);
  EXPECT_EQ(entry.mirrors[1].use, RegistryMirror::Use::kAll);
}

TEST(RegistriesToml, AnEmptyFileSaysNothing) {
  const auto file = Parse("# nothing\n");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->search);
  EXPECT_FALSE(file->short_name_mode);
  EXPECT_TRUE(file->registries.empty());
}

TEST(RegistriesToml, ThePrefixIsTheLocationWhereItIsMissing) {
  EXPECT_EQ(Parse("[[registry]]\nlocation = 'example.org'\n")->registries[0].prefix, "example.org");
}

TEST(RegistriesToml, MirrorByDigestOnlyIsForEveryMirror) {
  const auto file = Parse(R"(
[[registry]]
location = "example.org"
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.example.org"
)");
  EXPECT_EQ(file->registries[0].mirrors[0].use, RegistryMirror::Use::kDigestOnly);
}

TEST(RegistriesToml, OnlyAWildcardMayStandWithoutALocation) {
  EXPECT_EQ(Parse("[[registry]]\nprefix = '*.example.org'\n")->registries[0].location, "");
  EXPECT_EQ(Message("[[registry]]\nprefix = 'example.org'\n"), "conf:1: a location is empty");
  EXPECT_THAT(Message("[[registry]]\nprefix = 'a.*.org'\nlocation = 'x.org'\n"),
              HasSubstr("only at the front"));
}

TEST(RegistriesToml, DamageIsOneLineWithFileLineAndReason) {
  EXPECT_THAT(Message("a = 1\n[[registry\n"), ::testing::StartsWith("conf:2: "));
  EXPECT_THAT(Message("a = '\x80'\n"), ::testing::StartsWith("conf:1: "));
  EXPECT_EQ(Message("\nunqualified-search-registries = 'x'\n"),
            "conf:2: 'unqualified-search-registries' is not an array of strings");
  EXPECT_EQ(Message("unqualified-search-registries = ['example.org/x']"),
            "conf:1: 'example.org/x' is not HOST[:PORT]");
  EXPECT_EQ(Message("[[registry]]\nlocation = 'x.org'\nblocked = 'yes'\n"),
            "conf:3: 'blocked' is neither true nor false");
  EXPECT_EQ(Message("[[registry]]\nlocation = 1\n"), "conf:2: 'location' is not a string");
  EXPECT_EQ(Message("registry = 1\n"), "conf:1: 'registry' is not an array of tables");
  EXPECT_EQ(Message("[[registry]]\nlocation = 'https://x.org'\n"),
            "conf:1: 'https://x.org': a location is HOST[:PORT][/PATH], without a scheme");
  EXPECT_EQ(Message("short-name-mode = 'no'"),
            "conf:1: 'no': 'short-name-mode' is enforcing, permissive or disabled");
  const std::string mirror =
      "[[registry]]\nlocation = 'x.org'\n[[registry.mirror]]\nlocation = 'y.org'\n";
  EXPECT_EQ(Message(mirror + "pull-from-mirror = 'no'\n"),
            "conf:5: 'no': 'pull-from-mirror' is all, digest-only or tag-only");
  EXPECT_THAT(Message("[[registry]]\nlocation = 'x.org'\npull-from-mirror = 'all'\n"),
              HasSubstr("belongs in"));
  EXPECT_THAT(Message("[[registry]]\nlocation='x.org'\nmirror-by-digest-only = true\n"
                      "[[registry.mirror]]\nlocation = 'y.org'\npull-from-mirror = 'all'\n"),
              HasSubstr("exclude each other"));
  for (const std::string& text :
       {std::string("a = 1\n[[registry\n"), "a = \"x\n" + std::string(3, '\x1b')}) {
    EXPECT_EQ(Message(text).find_first_of("\n\x1b"), std::string::npos);
  }
}

TEST(RegistriesToml, AnAliasIsAShortNameForAFullOne) {
  EXPECT_THAT(Message("[aliases]\n'debian:12' = 'docker.io/library/debian'\n"),
              HasSubstr("conf:2: 'debian:12'"));
  EXPECT_THAT(Message("[aliases]\n'x.org/a' = 'docker.io/library/debian'\n"),
              HasSubstr("without host"));
  EXPECT_THAT(Message("[aliases]\n'debian' = 'library/debian'\n"), HasSubstr("HOST/NAME"));
  EXPECT_THAT(Message("[aliases]\n'debian' = 'docker.io/library/debian:12'\n"),
              HasSubstr("without tag"));
}

TEST(RegistriesToml, Version1IsReadInTheMainFileOnly) {
  const std::string text = R"(
[registries.search]
registries = ["example.org", "docker.io"]
[registries.insecure]
registries = ["insecure.example.org"]
[registries.block]
registries = ["blocked.example.org", "insecure.example.org"]
)";
  const auto file = Parse(text);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_THAT(*file->search, ElementsAre("example.org", "docker.io"));
  ASSERT_EQ(file->registries.size(), 2u);
  EXPECT_EQ(file->registries[0].prefix, "insecure.example.org");
  EXPECT_TRUE(file->registries[0].insecure);
  EXPECT_TRUE(file->registries[0].blocked);
  EXPECT_FALSE(file->registries[1].insecure);
  EXPECT_TRUE(file->registries[1].blocked);

  EXPECT_THAT(Message(text, RegistriesFileKind::kDropIn), HasSubstr("version 1 of the format"));
  EXPECT_THAT(Message("unqualified-search-registries = ['example.org']\n" + text),
              HasSubstr("the rest is version 2"));
  EXPECT_EQ(Message("[registries.search]\nregistries = []\n", RegistriesFileKind::kDropIn),
            "accepted");
}

}  // namespace
}  // namespace veneer
