// SPDX-License-Identifier: Apache-2.0
//
// A directory with a configuration of registries of the test's own, in the place of the machine's.
#ifndef VENEER_TESTS_UNIT_REGISTRY_CONFIG_TESTING_H_
#define VENEER_TESTS_UNIT_REGISTRY_CONFIG_TESTING_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"
#include "tools/registry/config_places.h"

namespace veneer {

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    places_.system = root_ + "/etc";
    places_.user = root_ + "/home/.config";
    places_.recorded_aliases = root_ + "/cache/short-name-aliases.conf";
  }
  ~ConfigTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  // `name` from the root of the test: "etc/containers/registries.conf".
  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void WriteMain(const std::string& text) const { Write("etc/containers/registries.conf", text); }

  const std::string root_ = MakeTempDir("registries");
  ConfigPlaces places_;
};

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_REGISTRY_CONFIG_TESTING_H_
