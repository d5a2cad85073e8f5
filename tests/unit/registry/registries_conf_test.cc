// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registries_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/registry/config_testing.h"

namespace veneer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegistriesConfFiles : public ConfigTest {
 protected:
  RegistriesConf Read() const {
    Result<RegistriesConf> conf = RegistriesConf::Read(places_);
    EXPECT_TRUE(conf) << conf.error().message();
    return conf.value_or(RegistriesConf());
  }
  // A file whose search list has one host.
  void WriteSearch(const std::string& name, const std::string& host) const {
    Write(name, "unqualified-search-registries = ['" + host + "']\n");
  }
};

TEST_F(RegistriesConfFiles, NoneAtAllSayNothing) {
  const RegistriesConf conf = Read();
  EXPECT_THAT(conf.search(), IsEmpty());
  EXPECT_EQ(conf.Find("example.org"), nullptr);
  EXPECT_EQ(conf.short_name_mode(), ShortNameMode::kPermissive);
}

TEST_F(RegistriesConfFiles, DropInsComeAfterTheMainFileByName) {
  WriteSearch("etc/containers/registries.conf", "main.org");
  EXPECT_THAT(Read().search(), ElementsAre("main.org"));
  WriteSearch("etc/containers/registries.conf.d/20.conf", "twenty.org");
  WriteSearch("etc/containers/registries.conf.d/10.conf", "ten.org");
  WriteSearch("etc/containers/registries.conf.d/30.conf.bak", "no.org");
  EXPECT_THAT(Read().search(), ElementsAre("twenty.org"));
  WriteSearch("home/.config/containers/registries.conf.d/05.conf", "user.org");
  EXPECT_THAT(Read().search(), ElementsAre("user.org"));
}

TEST_F(RegistriesConfFiles, TheUsersFileReplacesTheSystemsAndItsDropIns) {
  WriteSearch("etc/containers/registries.conf", "main.org");
  WriteSearch("etc/containers/registries.conf.d/10.conf", "ten.org");
  Write("home/.config/containers/registries.conf", "");
  EXPECT_THAT(Read().search(), IsEmpty());
  WriteSearch("home/.config/containers/registries.conf.d/10.conf", "user.org");
  EXPECT_THAT(Read().search(), ElementsAre("user.org"));
}

TEST_F(RegistriesConfFiles, TheVariableNamesTheMainFile) {
  WriteSearch("home/.config/containers/registries.conf", "user.org");
  WriteSearch("own.conf", "own.org");
  places_.registries_conf = root_ + "/own.conf";
  EXPECT_THAT(Read().search(), ElementsAre("own.org"));
  places_.registries_conf = root_ + "/missing.conf";
  EXPECT_EQ(RegistriesConf::Read(places_).error().message(),
            "read " + root_ + "/missing.conf: No such file or directory");
}

TEST_F(RegistriesConfFiles, ALaterFileReplacesTablesOfOnePrefixAndKeepsTheRest) {
  WriteMain(
      "[[registry]]\nlocation = 'a.org'\ninsecure = true\n[[registry]]\nlocation = "
      "'b.org'\nblocked = true\n");
  Write("etc/containers/registries.conf.d/1.conf",
        "[[registry]]\nprefix = 'a.org'\nlocation = 'c.org'\n");
  const RegistriesConf conf = Read();
  EXPECT_EQ(conf.Find("a.org/x")->location, "c.org");
  EXPECT_FALSE(conf.Find("a.org/x")->insecure);
  EXPECT_TRUE(conf.Find("b.org/x")->blocked);
}

TEST_F(RegistriesConfFiles, AnAliasIsReplacedAndTakenAway) {
  WriteMain("[aliases]\na = 'x.org/a'\nb = 'x.org/b'\nc = 'x.org/c'\n");
  Write("etc/containers/registries.conf.d/shortnames.conf", "[aliases]\na = 'y.org/a'\nb = ''\n");
  Write("cache/short-name-aliases.conf", "[aliases]\nc = 'z.org/c'\n");
  const RegistriesConf conf = Read();
  EXPECT_EQ(conf.Alias("a"), "y.org/a");
  EXPECT_EQ(conf.Alias("b"), std::nullopt);
  EXPECT_EQ(conf.Alias("c"), "z.org/c");
  EXPECT_EQ(conf.Alias("d"), std::nullopt);
}

TEST_F(RegistriesConfFiles, TablesThatContradictEachOtherAreRefused) {
  WriteMain("[[registry]]\nprefix = 'a.org/x'\nlocation = 'c.org'\ninsecure = true\n");
  Write("etc/containers/registries.conf.d/1.conf", "[[registry]]\nlocation = 'c.org'\n");
  const std::string folder = root_ + "/etc/containers/registries.conf";
  EXPECT_EQ(RegistriesConf::Read(places_).error().message(),
            folder + ".d/1.conf:1: c.org has another 'insecure' in " + folder + ":1");
}

TEST_F(RegistriesConfFiles, DamageNamesTheFileAndTheLine) {
  WriteMain("\n\nblocked = [\n");
  EXPECT_THAT(RegistriesConf::Read(places_).error().message(),
              HasSubstr(root_ + "/etc/containers/registries.conf:"));
}

TEST(Prefix, CoversWholePartsOfAName) {
  EXPECT_EQ(CoveredByPrefix("example.org", "example.org/x"), 11u);
  EXPECT_EQ(CoveredByPrefix("example.org", "example.org"), 11u);
  EXPECT_EQ(CoveredByPrefix("example.org", "example.org:5000/x"), 11u);
  EXPECT_EQ(CoveredByPrefix("example.org/a", "example.org/a/b"), 13u);
  EXPECT_EQ(CoveredByPrefix("example.org/a", "example.org/ab"), 0u);
  EXPECT_EQ(CoveredByPrefix("example.org", "example.organic/x"), 0u);
  EXPECT_EQ(CoveredByPrefix("example.org:5000", "example.org/x"), 0u);
  EXPECT_EQ(CoveredByPrefix("example.org", "a.example.org/x"), 0u);
}

TEST(Prefix, AWildcardCoversHostsBelow) {
  EXPECT_EQ(CoveredByPrefix("*.example.org", "a.example.org/x"), 13u);
  EXPECT_EQ(CoveredByPrefix("*.example.org", "a.b.example.org/x"), 15u);
  EXPECT_EQ(CoveredByPrefix("*.example.org/x", "a.example.org/x/y"), 15u);
  EXPECT_EQ(CoveredByPrefix("*.example.org", "example.org/x"), 0u);
  EXPECT_EQ(CoveredByPrefix("*.example.org", "a.example.organic/x"), 0u);
  EXPECT_EQ(CoveredByPrefix("*.example.org", "other.com/a.example.org"), 0u);
}

}  // namespace
}  // namespace veneer
