// SPDX-License-Identifier: Apache-2.0
//
// The files with credentials when a system call fails, or the process is killed, in the midst.
#include "tests/support/fault/faults.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"
#include "tools/registry/auth_file_change.h"

namespace veneer {
namespace {

TEST(RegistryFaults, AFileWithCredentialsIsReplacedAsAWholeOrNotAtAll) {
  const std::string dir = MakeTempDir("AuthFaults");
  const std::string path = dir + "/auth.json";
  const FaultCase put = {
      [&] { std::ofstream(path, std::ios::trunc) << R"({"auths": {"old": {"auth": "dTpw"}}})"; },
      [&] {
        return ChangeAuthFile(path,
                              [](AuthFile* file) {
                                return file->Put("new", Credential{"user", "secret", ""});
                              })
            .has_value();
      },
      [&](bool done) {
        const Result<AuthFile> now = AuthFile::Read(path);
        ASSERT_TRUE(now) << now.error().message();
        EXPECT_TRUE(now->Has("old"));
        EXPECT_TRUE(!done || now->Has("new"));
      }};
  FailEachCall(put);
  KillAtEachCall(put);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace veneer
