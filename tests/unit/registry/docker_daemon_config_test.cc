// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/docker_daemon_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/registry/config_testing.h"

namespace veneer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DockerDaemon : public ConfigTest {};

Result<DockerDaemonConfig> Parse(const std::string& text) {
  return DockerDaemonConfig::Parse(text, "daemon.json");
}

TEST(DockerDaemonConfig, AMirrorHasASchemeAndAPathOrNone) {
  const auto config = Parse(R"({"registry-mirrors": ["https://one.example.org", "http://two:5000/",
                                "https://three.example.org/a/path/"], "debug": true})");
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->mirrors().size(), 3u);
  const auto& mirrors = config->mirrors();
  EXPECT_EQ(mirrors[0].url, "https://one.example.org/");
  EXPECT_EQ(mirrors[0].host, "one.example.org");
  EXPECT_EQ(mirrors[0].path, "");
  EXPECT_FALSE(mirrors[0].http);
  EXPECT_EQ(mirrors[1].host, "two:5000");
  EXPECT_TRUE(mirrors[1].http);
  EXPECT_EQ(mirrors[2].path, "/a/path");
  EXPECT_EQ(mirrors[2].url, "https://three.example.org/a/path/");
}

TEST(DockerDaemonConfig, WhatIsNoMirrorIsRefusedInOneLine) {
  const auto message = [](const std::string& url) {
    const auto config = Parse(R"({"registry-mirrors": [")" + url + "\"]}");
    return config ? "accepted" : config.error().message();
  };
  EXPECT_EQ(
      message("example.org"),
      "daemon.json: \"registry-mirrors\": example.org begins with neither https:// nor http://");
  EXPECT_THAT(message("file:///etc"), HasSubstr("neither"));
  EXPECT_THAT(message("https:///x"), HasSubstr("no host"));
  EXPECT_THAT(message("https://example.org/?q"), HasSubstr("query"));
  EXPECT_THAT(message("https://me:secret@example.org"), HasSubstr("log in to the mirror"));
  EXPECT_THAT(message("https://me:secret@example.org"), Not(HasSubstr("secret")));
}

TEST(DockerDaemonConfig, DamageIsNamed) {
  EXPECT_THAT(Parse("{").error().message(), StartsWith("daemon.json: "));
  EXPECT_THAT(Parse(R"({"insecure-registries": "x"})").error().message(),
              HasSubstr("insecure-registries"));
}

TEST(DockerDaemonConfig, InsecureByHostPortAndRange) {
  const auto config = Parse(R"({"insecure-registries":
      ["example.org", "example.org:5000", "http://old.example.org", "10.0.0.0/8", "::1/128"]})");
  ASSERT_TRUE(config);
  for (const char* host :
       {"example.org", "example.org:5000", "old.example.org", "10.1.2.3:5000", "[::1]:5000"}) {
    EXPECT_TRUE(config->IsInsecure(host)) << host;
  }
  for (const char* host : {"example.org:443", "a.invalid", "11.1.2.3", "[::2]:5000"}) {
    EXPECT_FALSE(config->IsInsecure(host)) << host;
  }
}

TEST_F(DockerDaemon, TheUsersFileStandsInPlaceOfTheSystems) {
  EXPECT_TRUE(DockerDaemonConfig::Read(places_)->mirrors().empty());
  Write("etc/docker/daemon.json", R"({"insecure-registries": ["system.example.org"]})");
  Write("home/.config/docker/daemon.json", R"({"insecure-registries": ["user.example.org"]})");
  auto config = DockerDaemonConfig::Read(places_);
  EXPECT_TRUE(config->IsInsecure("system.example.org"));
  EXPECT_FALSE(config->IsInsecure("user.example.org"));
  places_.rootless_docker = places_.user;
  config = DockerDaemonConfig::Read(places_);
  EXPECT_FALSE(config->IsInsecure("system.example.org"));
  EXPECT_TRUE(config->IsInsecure("user.example.org"));
}

}  // namespace
}  // namespace veneer
