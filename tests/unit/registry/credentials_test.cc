// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "layerdb/base/base64.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/registry/fake_helper.h"
#include "tools/format/json.h"

namespace veneer {
namespace {

using testing::HasSubstr;
using testing::Not;

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    std::filesystem::create_directories(dir_ + "/docker");
    places_.files = {run_, home_, docker_};
    places_.fresh = run_;
  }
  ~CredentialsTest() override { std::filesystem::remove_all(dir_); }

  CredentialStore Store() const { return CredentialStore(places_); }
  static void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  // A file with one user, of the host.
  static void WriteUser(const std::string& path, const std::string& key, const std::string& user) {
    Write(path, R"({"auths": {")" + key + R"(": {"auth": ")" + Base64Encode(user + ":p") + "\"}}}");
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string UserFor(const std::string& host, const std::string& repository = "") const {
    const auto found = Store().Find(host, repository);
    if (!found) return found.error().message();
    return *found ? (*found)->username : "none";
  }

  const std::string dir_ = MakeTempDir("Credentials");
  const std::string run_ = dir_ + "/run/containers/auth.json";
  const std::string home_ = dir_ + "/config/containers/auth.json";
  const std::string docker_ = dir_ + "/docker/config.json";
  AuthPlaces places_;
  const FakeHelpers helpers_;
};

TEST_F(CredentialsTest, NoFileMeansNoCredential) {
  EXPECT_EQ(UserFor("example.org", "a"), "none");
  EXPECT_FALSE(*Store().Erase("example.org"));
  EXPECT_FALSE(std::filesystem::exists(run_));
}

TEST_F(CredentialsTest, TheFirstFileWithAnEntryCounts) {
  WriteUser(docker_, "example.org/team", "docker");
  EXPECT_EQ(UserFor("example.org", "team/app"), "docker");
  WriteUser(home_, "other.org", "home");
  EXPECT_EQ(UserFor("example.org", "team/app"), "docker");
  WriteUser(run_, "example.org", "run");
  EXPECT_EQ(UserFor("example.org", "team/app"), "run");
}

TEST_F(CredentialsTest, ADamagedFileIsOneLineWithItsPath) {
  Write(home_, "{\"auths\": hunter2");
  EXPECT_EQ(UserFor("example.org"), home_ + ": not a JSON document: syntax error at byte 11");
  EXPECT_EQ(Store().Put("example.org", {"u", "hunter2", ""}).error().message(),
            home_ + ": not a JSON document: syntax error at byte 11");
  EXPECT_EQ(Store().Erase("example.org").error().message(),
            home_ + ": not a JSON document: syntax error at byte 11");
  EXPECT_EQ(Read(home_), "{\"auths\": hunter2");
  Write(home_, R"({"auths": {"example.org": {"auth": "hunter2"}}})");
  EXPECT_EQ(UserFor("example.org"),
            home_ + ": the entry of \"example.org\": \"auth\" is not base64 of USER:PASSWORD");
}

TEST_F(CredentialsTest, AFirstCredentialMakesTheFileOfPodman) {
  EXPECT_EQ(*Store().Put("example.org", {"user", "p", ""}), run_);
  EXPECT_EQ(UserFor("example.org"), "user");
}

TEST_F(CredentialsTest, ACredentialGoesToTheFirstFileThatIsThere) {
  Write(docker_, R"({"detachKeys": "ctrl-x"})");
  EXPECT_EQ(*Store().Put("docker.io", {"user", "p", ""}), docker_);
  EXPECT_EQ(UserFor("docker.io", "library/debian"), "user");
  EXPECT_THAT(Read(docker_), HasSubstr("\"https://index.docker.io/v1/\""));
  EXPECT_THAT(Read(docker_), HasSubstr("ctrl-x"));
  Write(home_, "{}");
  EXPECT_EQ(*Store().Put("docker.io", {"user2", "p", ""}), home_);
  EXPECT_EQ(UserFor("docker.io"), "user2");
}

TEST_F(CredentialsTest, ACredentialGoesToTheFileThatTheUserGives) {
  WriteUser(docker_, "example.org", "docker");
  const std::string mine = dir_ + "/new/mine.json";
  places_.files.insert(places_.files.begin(), mine);
  places_.given = mine;
  EXPECT_EQ(*Store().Put("example.org", {"user", "p", ""}), mine);
  EXPECT_EQ(UserFor("example.org"), "user");
  Result<CredentialStore> only = CredentialStore::Open(dir_ + "/only.json");
  EXPECT_FALSE((*only->Find("example.org", "")).has_value());
  EXPECT_EQ(*only->Put("example.org", {"user", "p", ""}), dir_ + "/only.json");
  EXPECT_FALSE(CredentialStore::Open(""));
}

TEST_F(CredentialsTest, ErasingReachesEveryFile) {
  WriteUser(run_, "example.org", "run");
  WriteUser(docker_, "https://example.org/v1/", "docker");
  EXPECT_TRUE(*Store().Erase("example.org"));
  EXPECT_EQ(UserFor("example.org"), "none");
  EXPECT_FALSE(*Store().Erase("example.org"));
}

TEST_F(CredentialsTest, HelpersOfTheConfigurationStandBesideTheFiles) {
  helpers_.AddKeychain("one");
  CredentialStore store(places_, {"one", "containers-auth.json"});
  EXPECT_EQ(*store.Put("example.org", {"user", "hunter2", ""}), "docker-credential-one");
  EXPECT_FALSE(std::filesystem::exists(run_));
  EXPECT_EQ((*store.Find("example.org", "a"))->username, "user");
  EXPECT_TRUE(*store.Erase("example.org"));
  EXPECT_FALSE(*store.Find("example.org", ""));
  WriteUser(docker_, "other.org", "other");
  EXPECT_EQ((*store.Find("other.org", ""))->username, "other");
  // One that fails is passed over for the next.
  CredentialStore broken(places_, {"absent", "containers-auth.json"});
  EXPECT_EQ((*broken.Find("other.org", ""))->username, "other");
  EXPECT_THAT(broken.Find("example.org", "").error().message(), HasSubstr("absent"));
  EXPECT_EQ(*broken.Put("example.org", {"user", "hunter2", ""}), docker_);
}

TEST_F(CredentialsTest, AllCredentialsAreErased) {
  WriteUser(run_, "example.org", "user");
  WriteUser(docker_, "other.org/team", "other");
  EXPECT_TRUE(*Store().EraseAll());
  EXPECT_FALSE(*Store().EraseAll());
  EXPECT_EQ(UserFor("example.org"), "none");
  EXPECT_EQ(UserFor("other.org", "team"), "none");
}

TEST_F(CredentialsTest, AHelperOfTheFileHasTheCredential) {
  helpers_.AddKeychain("store");
  Write(docker_, R"({"credsStore": "store", "auths": {"example.org": {"auth": "dTpodW50ZXIy"}}})");
  EXPECT_EQ(UserFor("example.org"), "none");
  EXPECT_EQ(*Store().Put("example.org", {"user", "hunter2", ""}), "docker-credential-store");
  EXPECT_EQ(UserFor("example.org", "team/app"), "user");
  EXPECT_EQ(DumpJson(*ParseJson(Read(docker_))),
            R"({"credsStore":"store","auths":{"example.org":{}}})");
  EXPECT_TRUE(*Store().Erase("example.org"));
  EXPECT_EQ(UserFor("example.org"), "none");
  EXPECT_EQ(DumpJson(*ParseJson(Read(docker_))), R"({"credsStore":"store","auths":{}})");
  EXPECT_FALSE(*Store().Erase("example.org"));
}

TEST_F(CredentialsTest, AHelperStandsForItsHostAlone) {
  helpers_.AddKeychain("one");
  Write(docker_, R"({"credHelpers": {"example.org": "one"}})");
  EXPECT_EQ(*Store().Put("example.org", {"user", "hunter2", ""}), "docker-credential-one");
  EXPECT_EQ(*Store().Put("other.org", {"other", "p", ""}), docker_);
  EXPECT_EQ(UserFor("example.org"), "user");
  EXPECT_EQ(UserFor("other.org"), "other");
  EXPECT_THAT(Read(docker_), Not(HasSubstr(Base64Encode("user:hunter2"))));
}

TEST_F(CredentialsTest, AHelperThatFailsIsNamedWithItsFile) {
  Write(docker_, R"({"credsStore": "veneer-nowhere"})");
  const std::string line =
      docker_ +
      ": docker-credential-veneer-nowhere: No such file or directory; the credential "
      "helper has to be in PATH";
  EXPECT_EQ(UserFor("example.org"), line);
  EXPECT_EQ(Store().Put("example.org", {"u", "hunter2", ""}).error().message(), line);
  EXPECT_EQ(Store().Erase("example.org").error().message(), line);
  EXPECT_EQ(Read(docker_), R"({"credsStore": "veneer-nowhere"})");
}

}  // namespace
}  // namespace veneer
