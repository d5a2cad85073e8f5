// SPDX-License-Identifier: Apache-2.0
#include "fs/core/dir_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace veneer {
namespace {

TEST(DirTableTest, BehavesLikeAMapAndNeverReusesACookie) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  DirTable table;
  std::map<std::string, uint64_t> model;  // name -> cookie
  uint64_t highest = 0;
  for (int step = 0; step < 20000; ++step) {
    const std::string name = "name-" + std::to_string(random() % 600);
    DirTable::Child* child = table.Find(name);
    ASSERT_EQ(child != nullptr, model.contains(name));
    if (child == nullptr) {
      child = &table.Add(name, false);
      ASSERT_GT(child->cookie, highest);
      highest = model[name] = child->cookie;
    } else if (random() % 4 == 0) {
      child = &table.Renew(*child);
      ASSERT_GT(child->cookie, highest);
      highest = model[name] = child->cookie;
      ASSERT_EQ(child->name(), name);
    } else {
      ASSERT_EQ(child->cookie, model[name]);
      table.Drop(*child);
      model.erase(name);
    }
  }
  std::map<std::string, uint64_t> listed;
  for (auto it = table.After(0); it != table.end(); ++it) {
    if (!it->dead) listed.emplace(it->name(), it->cookie);
  }
  EXPECT_EQ(listed, model);
}

TEST(DirTableTest, ANameThatComesAndGoesTakesNoMoreRoom) {
  DirTable table;
  table.Add("stays", false);
  table.Add("lower", false);
  for (int i = 0; i < 10000; ++i) {
    table.Renew(*table.Find("lower"));
    table.Drop(table.Add("new", false));
  }
  EXPECT_LT(table.places(), 100u);
  EXPECT_NE(table.Find("stays"), nullptr);
  EXPECT_NE(table.Find("lower"), nullptr);
  EXPECT_EQ(table.Find("new"), nullptr);
}

TEST(DirTableTest, EmptyCountsWhatShows) {
  DirTable table;
  EXPECT_TRUE(table.empty());
  table.Add("x", false).visible = false;
  EXPECT_TRUE(table.empty());
  table.Renew(*table.Find("x"));
  EXPECT_FALSE(table.empty());
}

}  // namespace
}  // namespace veneer
