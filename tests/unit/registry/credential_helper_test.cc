// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/credential_helper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "layerdb/base/log.h"
#include "tests/unit/registry/fake_helper.h"

namespace veneer {
namespace {

using testing::HasSubstr;
using testing::Not;

class CredentialHelperTest : public testing::Test {
 protected:
  // The failure of `get` with a helper that is this script.
  std::string Failure(const std::string& script) const {
    helpers_.Add("x", script);
    const auto got = GetFromHelper(helper_);
    if (got) return *got ? "a credential" : "none";
    return got.error().message();
  }

  const FakeHelpers helpers_;
  const CredentialHelper helper_{"docker-credential-x", "example.org"};
};

TEST_F(CredentialHelperTest, KeepsACredentialAndErasesIt) {
  helpers_.AddKeychain("x");
  EXPECT_FALSE(GetFromHelper(helper_)->has_value());
  ASSERT_TRUE(StoreInHelper(helper_, {"user", "pass \"word\"", ""}));
  EXPECT_EQ(helpers_.Read("kept"),
            R"({"ServerURL":"example.org","Username":"user","Secret":"pass \"word\""})");
  const auto got = GetFromHelper(helper_);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->username, "user");
  EXPECT_EQ((*got)->password, "pass \"word\"");
  EXPECT_EQ(helpers_.Read("asked"), "example.org");
  EXPECT_TRUE(EraseFromHelper(helper_));
  EXPECT_FALSE(GetFromHelper(helper_)->has_value());
  EXPECT_TRUE(EraseFromHelper(helper_));
}

TEST_F(CredentialHelperTest, AnIdentityTokenIsTheSecretOfAUserOfItsOwn) {
  helpers_.AddKeychain("x");
  ASSERT_TRUE(StoreInHelper(helper_, {"user", "", "the token"}));
  EXPECT_EQ(helpers_.Read("kept"),
            R"({"ServerURL":"example.org","Username":"<token>","Secret":"the token"})");
  const auto got = GetFromHelper(helper_);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->username, "");
  EXPECT_EQ((*got)->password, "");
  EXPECT_EQ((*got)->identity_token, "the token");
}

TEST_F(CredentialHelperTest, ASecretIsNeitherAnArgumentNorInTheLog) {
  helpers_.AddKeychain("x");
  SetLogLevel(LogLevel::kDebug);
  testing::internal::CaptureStderr();
  LogToStderr("test");
  const bool stored = StoreInHelper(helper_, {"user", "hunter2", ""}).has_value();
  const bool got = GetFromHelper(helper_).has_value();
  const std::string log = testing::internal::GetCapturedStderr();
  SetLogLevel(LogLevel::kWarning);
  EXPECT_TRUE(stored && got);
  EXPECT_THAT(log, HasSubstr("run: docker-credential-x store"));
  EXPECT_THAT(log, Not(HasSubstr("hunter2")));
  EXPECT_THAT(helpers_.Read("calls"), HasSubstr("docker-credential-x store\n"));
  EXPECT_THAT(helpers_.Read("calls"), Not(HasSubstr("hunter2")));
}

TEST_F(CredentialHelperTest, AMissingProgramIsNamed) {
  const auto got = GetFromHelper({"docker-credential-nowhere", "h"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message(),
            "docker-credential-nowhere: No such file or directory; the credential helper has to be "
            "in PATH");
}

TEST_F(CredentialHelperTest, AProgramThatFailsIsNamedWithItsFirstLine) {
  EXPECT_EQ(Failure("echo; echo 'pass is empty'; echo more; exit 1"),
            "docker-credential-x: \"get\" fails: pass is empty");
  EXPECT_EQ(Failure("printf 'no \\033[1mbus' >&2; exit 3"),
            "docker-credential-x: \"get\" fails: no ?[1mbus");
  EXPECT_EQ(Failure("exit 9"), "docker-credential-x: \"get\" fails: exit code 9");
  EXPECT_EQ(Failure("exit 127"), "docker-credential-x: \"get\" fails: exit code 127");
  EXPECT_EQ(Failure("kill -SEGV $$"), "docker-credential-x: \"get\" fails: exit code 139");
  EXPECT_EQ(Failure("echo 'credentials not found in native keychain'; exit 1"), "none");
}

TEST_F(CredentialHelperTest, AnAnswerThatIsNoCredentialIsRefused) {
  const std::string begin = "docker-credential-x: the answer to \"get\" is not a credential: ";
  EXPECT_EQ(Failure(""), begin + "not a JSON document: syntax error at byte 1");
  EXPECT_EQ(Failure("echo hunter2"), begin + "not a JSON document: syntax error at byte 1");
  EXPECT_EQ(Failure("echo '{\"Username\":\"u\"}'"), begin + "\"Secret\" is missing");
  EXPECT_EQ(Failure("echo '{\"Secret\":\"hunter2\"}'"), begin + "\"Username\" is missing");
  EXPECT_EQ(Failure("echo '{\"Username\":1,\"Secret\":\"hunter2\"}'"),
            begin + "\"Username\" is not a string");
  EXPECT_THAT(Failure("exec head -c 9000000 /dev/zero"), HasSubstr(begin));
  EXPECT_EQ(Failure("echo '{\"Username\":\"\",\"Secret\":\"\"}'"), "none");
}

TEST_F(CredentialHelperTest, AFailureDoesNotShowTheSecret) {
  EXPECT_EQ(Failure("echo '{\"Username\":\"u\",\"Secret\":\"hunter2\"}'; exit 1"),
            "docker-credential-x: \"get\" fails: exit code 1");
  helpers_.Add("x", "echo \"cannot store hunter2\"; echo hunter2 >&2; exit 1");
  const auto stored = StoreInHelper(helper_, {"user", "hunter2", ""});
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().message(), "docker-credential-x: \"store\" fails: exit code 1");
}

TEST_F(CredentialHelperTest, AProgramThatHangsIsKilled) {
  helpers_.Add("x", "exec sleep 100");
  CredentialHelper helper = helper_;
  helper.time_limit = std::chrono::milliseconds(200);
  const auto got = GetFromHelper(helper);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message(), "docker-credential-x: no answer to \"get\" within 1 s");
}

TEST_F(CredentialHelperTest, APasswordOfOtherBytesIsRefusedAndNotChanged) {
  helpers_.AddKeychain("x");
  const auto stored = StoreInHelper(helper_, {"user", "\xff", ""});
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().message(),
            "docker-credential-x: a credential that is not UTF-8 cannot be stored");
  EXPECT_EQ(helpers_.Read("kept"), "");
}

}  // namespace
}  // namespace veneer
