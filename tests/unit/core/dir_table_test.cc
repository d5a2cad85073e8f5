// SPDX-License-Identifier: Apache-2.0
#include "fs/core/dir_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace veneer {
namespace {

// The names that show, in the order of a listing that goes on after `cookie`.
std::vector<std::string> NamesAfter(DirTable& table, uint64_t cookie) {
  std::vector<std::string> names;
  for (size_t place = table.After(cookie); place < table.places(); ++place) {
    const DirTable::Child& child = table.At(place);
    if (child.visible) names.emplace_back(child.name());
  }
  return names;
}

TEST(DirTableTest, ANewNameComesBeforeEveryListingThatHasBegun) {
  DirTable table;
  for (const char* name : {"a", "b", "c"}) table.Load(name, true);
  EXPECT_EQ(NamesAfter(table, 0), (std::vector<std::string>{"a", "b", "c"}));
  const uint64_t a = table.Find("a")->cookie;
  const uint64_t newest = table.Add("new").cookie;
  table.Add("newer");
  EXPECT_EQ(NamesAfter(table, a), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(NamesAfter(table, newest), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(NamesAfter(table, 0), (std::vector<std::string>{"newer", "new", "a", "b", "c"}));
  table.Find("b")->visible = false;
  table.Renew(*table.Find("b"));
  EXPECT_EQ(NamesAfter(table, a), (std::vector<std::string>{"c"}));
  EXPECT_EQ(NamesAfter(table, 0), (std::vector<std::string>{"b", "newer", "new", "a", "c"}));
}

TEST(DirTableTest, AListingGoesOnWhereItsLastNameWas) {
  DirTable table;
  for (int i = 0; i < 200; ++i) table.Load("l" + std::to_string(i), false);
  for (int i = 0; i < 200; ++i) table.Add("n" + std::to_string(i));
  const std::vector<std::string> all = NamesAfter(table, 0);
  for (size_t i = 0; i < all.size(); ++i) {
    const uint64_t cookie = table.Find(all[i])->cookie;
    table.Drop(*table.Find(all[i]));
    table.Drop(table.Add("temporary"));  // compacts now and then
    EXPECT_EQ(NamesAfter(table, cookie), std::vector<std::string>(all.begin() + i + 1, all.end()));
  }
  EXPECT_TRUE(NamesAfter(table, 0).empty());
}

TEST(DirTableTest, BehavesLikeAMapAndNeverReusesACookie) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  DirTable table;
  std::map<std::string, uint64_t> model;  // name -> cookie
  std::set<uint64_t> given;
  for (int step = 0; step < 20000; ++step) {
    const std::string name = "name-" + std::to_string(random() % 600);
    DirTable::Child* child = table.Find(name);
    ASSERT_EQ(child != nullptr, model.contains(name));
    if (child == nullptr) {
      child = &table.Add(name);
      ASSERT_TRUE(given.insert(child->cookie).second);
      model[name] = child->cookie;
    } else if (random() % 4 == 0) {
      child = &table.Renew(*child);
      ASSERT_TRUE(given.insert(child->cookie).second);
      model[name] = child->cookie;
      ASSERT_EQ(child->name(), name);
    } else {
      ASSERT_EQ(child->cookie, model[name]);
      table.Drop(*child);
      model.erase(name);
    }
  }
  std::map<std::string, uint64_t> listed;
  for (size_t place = table.After(0); place < table.places(); ++place) {
    const DirTable::Child& child = table.At(place);
    if (!child.dead) listed.emplace(child.name(), child.cookie);
  }
  EXPECT_EQ(listed, model);
}

TEST(DirTableTest, ANameThatComesAndGoesTakesNoMoreRoom) {
  DirTable table;
  table.Load("stays", false);
  table.Load("lower", false);
  for (int i = 0; i < 10000; ++i) {
    table.Renew(*table.Find("lower"));
    table.Drop(table.Add("new"));
  }
  EXPECT_LT(table.places(), 100u);
  EXPECT_NE(table.Find("stays"), nullptr);
  EXPECT_NE(table.Find("lower"), nullptr);
  EXPECT_EQ(table.Find("new"), nullptr);
}

TEST(DirTableTest, ANameThatDoesNotShowCanBeRenewed) {
  DirTable table;
  table.Load("x", false).visible = false;
  EXPECT_TRUE(NamesAfter(table, 0).empty());
  table.Renew(*table.Find("x"));
  EXPECT_EQ(NamesAfter(table, 0), std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace veneer
