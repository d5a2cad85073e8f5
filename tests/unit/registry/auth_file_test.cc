// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/auth_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "layerdb/base/base64.h"

namespace veneer {
namespace {

using testing::HasSubstr;
using testing::Not;

AuthFile Containers(const std::string& text) { return *AuthFile::Parse("/x/auth.json", text); }
AuthFile Docker(const std::string& text) { return *AuthFile::Parse("/x/config.json", text); }

// {"auths": {KEY: the user "KEY"}} for each key.
std::string Users(const std::vector<std::string>& keys) {
  Json document;
  document["auths"] = Json::object();
  for (const std::string& key : keys) {
    document["auths"][key]["username"] = key;
  }
  return DumpJson(document);
}

std::string UserFor(const AuthFile& file, const std::string& host, const std::string& repository) {
  const auto found = file.Find(host, repository);
  if (!found) return found.error().message();
  return *found ? (*found)->username : "none";
}

std::string Problem(const std::string& text) {
  const Result<AuthFile> file = AuthFile::Parse("config.json", text);
  if (!file) return file.error().message();
  const auto found = file->Find("example.org", "");
  return found ? "" : found.error().message();
}

TEST(AuthFileTest, AKeyWithASchemeOrAnApiVersionIsItsHost) {
  EXPECT_EQ(NormalAuthKey("example.org:5000"), "example.org:5000");
  EXPECT_EQ(NormalAuthKey("https://example.org:5000/v1/"), "example.org:5000");
  EXPECT_EQ(NormalAuthKey("http://example.org/some/path"), "example.org");
  EXPECT_EQ(NormalAuthKey("example.org/v2/"), "example.org");
  EXPECT_EQ(NormalAuthKey("example.org/v1"), "example.org");
  EXPECT_EQ(NormalAuthKey("example.org/"), "example.org");
  EXPECT_EQ(NormalAuthKey("example.org/team/app"), "example.org/team/app");
  EXPECT_EQ(NormalAuthKey("https://index.docker.io/v1/"), "docker.io");
  EXPECT_EQ(NormalAuthKey("registry-1.docker.io"), "docker.io");
  EXPECT_EQ(NormalAuthKey("index.docker.io/library/debian"), "docker.io/library/debian");
  EXPECT_EQ(NormalAuthKey(""), "");
  EXPECT_EQ(NormalAuthKey("https://"), "");
}

TEST(AuthFileTest, TheMostSpecificEntryCounts) {
  const AuthFile file =
      Containers(Users({"example.org", "example.org/team", "example.org/team/a"}));
  EXPECT_EQ(UserFor(file, "example.org", "team/a"), "example.org/team/a");
  EXPECT_EQ(UserFor(file, "example.org", "team/b/c"), "example.org/team");
  EXPECT_EQ(UserFor(file, "example.org", "teamwork"), "example.org");
  EXPECT_EQ(UserFor(file, "example.org", ""), "example.org");
  EXPECT_EQ(UserFor(file, "example.org:5000", "team/a"), "none");
  EXPECT_EQ(UserFor(file, "org", ""), "none");
}

TEST(AuthFileTest, ThePlainKeyOfAHostGoesBeforeOthers) {
  const AuthFile file = Docker(Users({"https://example.org/v1/", "example.org"}));
  EXPECT_EQ(UserFor(file, "example.org", ""), "example.org");
  EXPECT_EQ(UserFor(Docker(Users({"https://example.org/v1/"})), "example.org", "a"),
            "https://example.org/v1/");
}

TEST(AuthFileTest, DockerHubIsFoundByAllItsNames) {
  for (const char* key : {"docker.io", "https://index.docker.io/v1/", "index.docker.io"}) {
    EXPECT_EQ(UserFor(Containers(Users({key})), "docker.io", "library/debian"), key);
    EXPECT_EQ(UserFor(Docker(Users({key})), "index.docker.io", ""), key);
  }
}

TEST(AuthFileTest, AnEntryIsAUserWithAPasswordOrAToken) {
  const std::string pair = Base64Encode("user:pass:word");
  auto found =
      Docker(R"({"auths": {"h": {"auth": ")" + pair + R"(", "email": "x"}}})").Find("h", "");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->username, "user");
  EXPECT_EQ((*found)->password, "pass:word");
  EXPECT_EQ((*found)->identity_token, "");
  found = Docker(R"({"auths": {"h": {"identitytoken": "token"}}})").Find("h", "");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->identity_token, "token");
  found = Docker(R"({"auths": {"h": {"username": "u", "password": "p"}}})").Find("h", "");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->password, "p");
}

TEST(AuthFileTest, AnEntryWithoutACredentialIsNone) {
  EXPECT_EQ(UserFor(Docker(R"({"auths": {"h": {}, "h/team": null}})"), "h", "team"), "none");
  EXPECT_EQ(UserFor(Docker(R"({"auths": {"h": {"auth": ""}}})"), "h", ""), "none");
  EXPECT_EQ(UserFor(Docker(R"({"auths": {"h/a": {}, "h": {"username": "u"}}})"), "h", "a"), "u");
  EXPECT_EQ(UserFor(Docker(R"({"auths": null})"), "h", ""), "none");
  EXPECT_EQ(UserFor(Docker("{}"), "h", ""), "none");
  EXPECT_EQ(UserFor(Docker(""), "h", ""), "none");
}

TEST(AuthFileTest, ADamagedFileIsSaidWithoutItsSecrets) {
  EXPECT_EQ(Problem("{"), "not a JSON document: syntax error at byte 2");
  EXPECT_EQ(Problem("[]"), "not a JSON document: the top is not an object");
  EXPECT_EQ(Problem(R"({"auths": []})"), "\"auths\" is not an object");
  EXPECT_EQ(Problem(R"({"auths": {"h": "secret"}})"),
            "the entry of \"h\" in \"auths\" is not an object");
  EXPECT_EQ(Problem(R"({"credHelpers": {"h": 1}})"),
            "the entry of \"h\" in \"credHelpers\" is not a string");
  EXPECT_EQ(Problem(R"({"credsStore": "../../bin/sh"})"),
            "the credential helper \"../../bin/sh\" is not the end of a name");
  for (const std::string& auth : {std::string("c2VjcmV0"), std::string("secret!"),
                                  std::string("dTpwYXNz\\n"), Base64Encode("secret")}) {
    EXPECT_EQ(Problem(R"({"auths": {"example.org": {"auth": ")" + auth + "\"}}}"),
              "the entry of \"example.org\": \"auth\" is not base64 of USER:PASSWORD");
  }
  EXPECT_EQ(Problem(R"({"auths": {"example.org": {"auth": 7}}})"),
            "the entry of \"example.org\": \"auth\" is not a string");
  EXPECT_THAT(Problem("{\"auths\": {\"example.org\": {\"auth\": \"secret"),
              Not(HasSubstr("secret")));
  EXPECT_THAT(Problem(std::string(2 << 20, ' ')), HasSubstr("at most"));
}

TEST(AuthFileTest, AnEntryOfAnotherHostMayBeDamaged) {
  EXPECT_EQ(Problem(R"({"auths": {"other.org": {"auth": 7}}})"), "");
}

TEST(AuthFileTest, AHelperIsThatOfTheHostOrOfAll) {
  const AuthFile file = Docker(
      R"({"credsStore": "all", "credHelpers": {"example.org": "one", "plain.org": "",
          "https://index.docker.io/v1/": "hub"}})");
  EXPECT_EQ(file.HelperOf("example.org")->program, "docker-credential-one");
  EXPECT_EQ(file.HelperOf("example.org")->server, "example.org");
  EXPECT_EQ(file.HelperOf("other.org")->program, "docker-credential-all");
  EXPECT_EQ(file.HelperOf("other.org")->server, "other.org");
  EXPECT_EQ(file.HelperOf("plain.org"), std::nullopt);
  EXPECT_EQ(file.HelperOf("docker.io")->program, "docker-credential-hub");
  EXPECT_EQ(file.HelperOf("docker.io")->server, "https://index.docker.io/v1/");
  EXPECT_EQ(Docker(R"({"credsStore": "a"})").HelperOf("docker.io")->server,
            "https://index.docker.io/v1/");
  EXPECT_EQ(Containers(R"({"credHelpers": {"docker.io": "a"}})").HelperOf("docker.io")->server,
            "docker.io");
  EXPECT_EQ(Docker("{}").HelperOf("example.org"), std::nullopt);
}

TEST(AuthFileTest, AnEntryReplacesAllOfItsHostAndNothingElse) {
  AuthFile file = Docker(
      R"({"z": 1, "auths": {"https://h/v1/": {"auth": "old"}, "h/team": {"username": "t"},
          "other": {"auth": "kept"}}, "HttpHeaders": {"a": [1.5, null]}})");
  ASSERT_TRUE(file.Put("h", Credential{"user", "pass", ""}));
  EXPECT_EQ(DumpJson(*ParseJson(file.Text())),
            R"({"z":1,"auths":{"h/team":{"username":"t"},"other":{"auth":"kept"},)"
            R"("h":{"auth":"dXNlcjpwYXNz"}},"HttpHeaders":{"a":[1.5,null]}})");
}

TEST(AuthFileTest, TheKeyOfDockerHubIsThatOfTheTool) {
  AuthFile docker = Docker("");
  AuthFile containers = Containers("");
  ASSERT_TRUE(docker.Put("docker.io", Credential{"u", "p", ""}));
  ASSERT_TRUE(containers.Put("index.docker.io", Credential{"", "", "token"}));
  EXPECT_EQ(docker.Text(),
            "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": "
            "\"dTpw\"\n\t\t}\n\t}\n}\n");
  EXPECT_EQ(DumpJson(*ParseJson(containers.Text())),
            R"({"auths":{"docker.io":{"identitytoken":"token"}}})");
}

TEST(AuthFileTest, WhatIsPutIsFound) {
  AuthFile file = Containers(R"({"auths": null})");
  ASSERT_TRUE(file.Put("h", Credential{"u", std::string("p:\xff\x01ü", 6), ""}));
  EXPECT_EQ((*Containers(file.Text()).Find("h", "a"))->password, std::string("p:\xff\x01ü", 6));
  ASSERT_TRUE(file.Put("h", Credential{"u", "", "token"}));
  EXPECT_EQ((*file.Find("h", ""))->identity_token, "token");
  EXPECT_EQ((*file.Find("h", ""))->username, "u");
  ASSERT_TRUE(file.Put("h", std::nullopt));
  EXPECT_TRUE(file.Has("h"));
  EXPECT_EQ(UserFor(file, "h", ""), "none");
}

TEST(AuthFileTest, AUserWithAColonHasNoPlaceInAFile) {
  AuthFile file = Containers("");
  const Result<void> put = file.Put("h", Credential{"a:b", "secret", ""});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().message(), "a user name with a colon cannot be kept in a file");
}

TEST(AuthFileTest, ErasingTakesTheHostAndLeavesItsRepositories) {
  AuthFile file = Docker(Users({"https://h/v1/", "h", "h/team", "other"}));
  EXPECT_TRUE(file.Erase("h"));
  EXPECT_FALSE(file.Erase("h"));
  EXPECT_FALSE(file.Has("h"));
  EXPECT_EQ(UserFor(file, "h", "team"), "h/team");
  EXPECT_EQ(UserFor(file, "other", ""), "other");
  AuthFile empty = Docker(R"({"auths": {"h": {}}})");
  EXPECT_FALSE(empty.Erase("h"));
  EXPECT_FALSE(empty.Has("h"));
}

}  // namespace
}  // namespace veneer
