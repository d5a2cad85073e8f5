// SPDX-License-Identifier: Apache-2.0
//
// A program docker-credential-* of the tests' own, a shell script in a directory that PATH begins
// with.
#ifndef VENEER_TESTS_UNIT_REGISTRY_FAKE_HELPER_H_
#define VENEER_TESTS_UNIT_REGISTRY_FAKE_HELPER_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temp_dir.h"

namespace veneer {

class FakeHelpers {
 public:
  FakeHelpers() : path_(::getenv("PATH")) {
    ::setenv("PATH", (dir_ + ":" + path_).c_str(), 1);
    ::setenv("VENEER_TEST_HELPERS", dir_.c_str(), 1);
  }
  ~FakeHelpers() {
    ::setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(dir_);
  }
  FakeHelpers(const FakeHelpers&) = delete;
  FakeHelpers& operator=(const FakeHelpers&) = delete;

  // docker-credential-NAME runs this text with the action as $1 and the input as $input.
  void Add(const std::string& name, const std::string& script) const {
    const std::string path = dir_ + "/docker-credential-" + name;
    std::ofstream(path) << "#!/bin/sh\ncd \"$VENEER_TEST_HELPERS\"\necho \"$0 $*\" >>calls\n"
                           "input=$(cat)\n"
                        << script << "\n";
    ::chmod(path.c_str(), 0755);
  }
  // One that keeps one credential, of any server.
  void AddKeychain(const std::string& name) const {
    Add(name,
        "none() { echo 'credentials not found in native keychain'; exit 1; }\n"
        "case $1 in\n"
        "store) printf %s \"$input\" >kept ;;\n"
        "get) [ -f kept ] || none; printf %s \"$input\" >asked; cat kept ;;\n"
        "erase) [ -f kept ] || none; rm kept ;;\n"
        "esac");
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(dir_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  const std::string dir_ = MakeTempDir("Helpers");
  const std::string path_;
};

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_REGISTRY_FAKE_HELPER_H_
