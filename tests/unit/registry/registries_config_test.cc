// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registries_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/registry/config_testing.h"

namespace veneer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Registries : public ConfigTest {
 protected:
  RegistriesConfig Read() const {
    Result<RegistriesConfig> config = RegistriesConfig::Read(places_);
    EXPECT_TRUE(config) << config.error().message();
    return config.value_or(RegistriesConfig());
  }
  // "HOST/REPOSITORY:TAG" of each candidate.
  std::vector<std::string> Candidates(const std::string& name) const {
    std::vector<std::string> texts;
    const auto candidates = Read().Candidates(name);
    if (!candidates) return {candidates.error().message()};
    for (const Reference& reference : *candidates) {
      std::string text = reference.domain + "/" + reference.path;
      if (reference.tag) text += ":" + *reference.tag;
      if (reference.digest) text += "@";
      texts.push_back(text);
    }
    return texts;
  }
  // "HOST[/PREFIX] REPOSITORY", and what is allowed, of each endpoint.
  static std::string Text(const Endpoint& endpoint) {
    std::string text = endpoint.host + endpoint.prefix + " " + endpoint.repository;
    if (endpoint.mirror) text += " mirror";
    if (endpoint.insecure) text += " insecure";
    if (endpoint.plain_http) text += endpoint.only_http ? " only-http" : " http";
    EXPECT_EQ(endpoint.tls.verify, !endpoint.insecure);
    return text;
  }
  std::vector<std::string> Pull(const std::string& name) const {
    const auto endpoints = Read().PullEndpoints(*ParseReference(name));
    if (!endpoints) return {endpoints.error().message()};
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : *endpoints) texts.push_back(Text(endpoint));
    return texts;
  }
  std::string Push(const std::string& name) const {
    const auto endpoint = Read().PushEndpoint(*ParseReference(name));
    return endpoint ? Text(*endpoint) : endpoint.error().message();
  }
};

const std::string kDigest = "@sha256:" + std::string(64, 'a');

// R1.
TEST_F(Registries, AShortNameIsDockerHubsWhereNoConfigurationSpeaks) {
  EXPECT_THAT(Candidates("ubuntu:16.04"), ElementsAre("docker.io/library/ubuntu:16.04"));
  EXPECT_THAT(Candidates("team/app"), ElementsAre("docker.io/team/app"));
  EXPECT_THAT(Pull("ubuntu:16.04"), ElementsAre("registry-1.docker.io library/ubuntu"));
  EXPECT_THAT(Candidates("Ubuntu"), ElementsAre(HasSubstr("is not an image name")));
}

// R11.
TEST_F(Registries, ANameWithAHostStandsForItself) {
  WriteMain("unqualified-search-registries = ['example.com']\n");
  EXPECT_THAT(Candidates("example.org/team/app:1"), ElementsAre("example.org/team/app:1"));
  EXPECT_THAT(Candidates("docker.io/debian"), ElementsAre("docker.io/library/debian"));
  EXPECT_THAT(Pull("example.org/team/app:1"), ElementsAre("example.org team/app"));
  EXPECT_EQ(Push("example.org:5000/team/app:1"), "example.org:5000 team/app");
}

TEST_F(Registries, AShortNameIsLookedForInTheSearchRegistries) {
  WriteMain("unqualified-search-registries = ['example.com:5000', 'docker.io']\n");
  EXPECT_THAT(Candidates("debian:12"),
              ElementsAre("example.com:5000/debian:12", "docker.io/library/debian:12"));
}

TEST_F(Registries, AnAliasStandsBeforeTheSearchAndKeepsTagAndDigest) {
  WriteMain(
      "unqualified-search-registries = ['example.com']\n[aliases]\n'debian' = "
      "'example.org/os/debian'\n");
  EXPECT_THAT(Candidates("debian"), ElementsAre("example.org/os/debian"));
  EXPECT_THAT(Candidates("debian:12"), ElementsAre("example.org/os/debian:12"));
  EXPECT_THAT(Candidates("debian" + kDigest), ElementsAre("example.org/os/debian@"));
  EXPECT_THAT(Candidates("library/debian"), ElementsAre("example.com/library/debian"));
}

TEST_F(Registries, TheEnforcingModeChoosesNoneOfSeveral) {
  WriteMain("short-name-mode = 'enforcing'\nunqualified-search-registries = ['a.org', 'b.org']\n");
  EXPECT_THAT(Candidates("debian"),
              ElementsAre("'debian' may be an image of a.org, b.org, and short-name-mode is "
                          "enforcing: write the registry in front"));
  WriteMain("short-name-mode = 'enforcing'\nunqualified-search-registries = ['a.org']\n");
  EXPECT_THAT(Candidates("debian"), ElementsAre("a.org/debian"));
}

// R14.
TEST_F(Registries, DockersMirrorsAreForDockerHubAlone) {
  Write("etc/docker/daemon.json", R"({"registry-mirrors":
      ["https://one.example.org", "http://two.example.org:5000/hub/"]})");
  EXPECT_THAT(Pull("debian"),
              ElementsAre("one.example.org library/debian mirror",
                          "two.example.org:5000/hub library/debian mirror only-http",
                          "registry-1.docker.io library/debian"));
  EXPECT_THAT(Pull("example.org/debian"), ElementsAre("example.org debian"));
  EXPECT_EQ(Push("docker.io/team/app"), "registry-1.docker.io team/app");
}

// R15.
TEST_F(Registries, TheMirrorsOfDockerHubCanBeLookedAt) {
  EXPECT_THAT(Read().Mirrors(), IsEmpty());
  Write("etc/docker/daemon.json", R"({"registry-mirrors": ["https://one.example.org/hub"]})");
  EXPECT_THAT(Read().Mirrors(), ElementsAre("https://one.example.org/hub/"));
  WriteMain(
      "[[registry]]\nlocation = 'docker.io'\n[[registry.mirror]]\nlocation = "
      "'two.example.org/hub'\n");
  EXPECT_THAT(Read().Mirrors(), ElementsAre("two.example.org/hub"));
}

TEST_F(Registries, ATableForAPartOfDockerHubLeavesDockersMirrorsToTheRest) {
  Write("etc/docker/daemon.json", R"({"registry-mirrors": ["https://one.example.org"]})");
  WriteMain("[[registry]]\nlocation = 'docker.io/team'\n");
  EXPECT_THAT(Pull("team/app"), ElementsAre("registry-1.docker.io team/app"));
  EXPECT_EQ(Pull("debian").size(), 2u);
}

TEST_F(Registries, MirrorsComeFirstAndTheLocationLast) {
  WriteMain(R"(
[[registry]]
prefix = "example.com/foo"
location = "internal.example.net/bar"
[[registry.mirror]]
location = "mirror-0.local/mirror-for-foo"
[[registry.mirror]]
location = "mirror-1.local:5000/mirrors/foo"
insecure = true
)");
  EXPECT_THAT(Pull("example.com/foo/image:latest"),
              ElementsAre("mirror-0.local mirror-for-foo/image mirror",
                          "mirror-1.local:5000 mirrors/foo/image mirror insecure http",
                          "internal.example.net bar/image"));
  EXPECT_THAT(Pull("example.com/food/image"), ElementsAre("example.com food/image"));
  EXPECT_EQ(Push("example.com/foo/image"), "example.com foo/image");
}

TEST_F(Registries, AMirrorMayBeForTagsOrDigestsOnly) {
  WriteMain(R"(
[[registry]]
location = "example.com"
[[registry.mirror]]
location = "tags.local"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "digests.local"
pull-from-mirror = "digest-only"
)");
  EXPECT_THAT(Pull("example.com/x:1"), ElementsAre("tags.local x mirror", "example.com x"));
  EXPECT_THAT(Pull("example.com/x"), ElementsAre("tags.local x mirror", "example.com x"));
  EXPECT_THAT(Pull("example.com/x:1" + kDigest),
              ElementsAre("digests.local x mirror", "example.com x"));
}

TEST_F(Registries, AWildcardWithoutALocationLeavesTheName) {
  WriteMain(
      "[[registry]]\nprefix = '*.example.org'\ninsecure = true\n[[registry.mirror]]\nlocation = "
      "'m.local/all'\n");
  EXPECT_THAT(Pull("a.example.org/x"),
              ElementsAre("m.local all/x mirror", "a.example.org x insecure http"));
}

TEST_F(Registries, TheLongestPrefixIsChosen) {
  WriteMain(
      "[[registry]]\nlocation = 'example.org'\nblocked = true\n[[registry]]\nlocation = "
      "'example.org/team'\n");
  EXPECT_THAT(Pull("example.org/team/app"), ElementsAre("example.org team/app"));
  EXPECT_THAT(Pull("example.org/x"), ElementsAre(HasSubstr("is blocked by")));
}

TEST_F(Registries, ABlockedRegistryIsRefusedEverywhere) {
  WriteMain("[[registry]]\nlocation = 'example.org'\nblocked = true\n");
  const std::string why =
      "example.org is blocked by " + root_ + "/etc/containers/registries.conf:1";
  EXPECT_THAT(Pull("example.org/x"), ElementsAre("example.org/x: " + why));
  EXPECT_EQ(Push("example.org/x"), "example.org/x: " + why);
  EXPECT_EQ(Read().EndpointOf("example.org").error().message(), "example.org: " + why);
}

TEST_F(Registries, ABlockedMirrorIsLeftOut) {
  WriteMain(
      "[[registry]]\nlocation = 'example.org'\n[[registry.mirror]]\nlocation = 'bad.org'\n"
      "[[registry]]\nlocation = 'bad.org'\nblocked = true\n");
  EXPECT_THAT(Pull("example.org/x"), ElementsAre("example.org x"));
}

TEST_F(Registries, ALocationWithoutAHostIsNamed) {
  WriteMain("[[registry]]\nprefix = 'example.org'\nlocation = 'registry'\n");
  EXPECT_THAT(Pull("example.org/x"),
              ElementsAre(HasSubstr("registries.conf:1: the location registry makes")));
}

TEST_F(Registries, DockerHubsOneNameIsOfTheLibraryWhereverItIsMovedTo) {
  WriteMain("[[registry]]\nprefix = 'example.org'\nlocation = 'docker.io'\n");
  EXPECT_THAT(Pull("example.org/debian"), ElementsAre("registry-1.docker.io library/debian"));
}

// R26.
TEST_F(Registries, PlainHttpIsForLoopbackAndInsecureHosts) {
  Write("etc/docker/daemon.json",
        R"({"insecure-registries": ["10.1.2.3:5000", "192.168.0.0/16"]})");
  WriteMain("[[registry]]\nlocation = 'insecure.org'\ninsecure = true\n");
  EXPECT_EQ(Push("example.org/x"), "example.org x");
  EXPECT_EQ(Push("localhost:5000/x"), "localhost:5000 x http");
  EXPECT_EQ(Push("127.0.0.1:5000/x"), "127.0.0.1:5000 x http");
  EXPECT_EQ(Push("[::1]:5000/x"), "[::1]:5000 x http");
  EXPECT_EQ(Push("10.1.2.3:5000/x"), "10.1.2.3:5000 x insecure http");
  EXPECT_EQ(Push("10.1.2.3:5001/x"), "10.1.2.3:5001 x");
  EXPECT_EQ(Push("192.168.7.7:5000/x"), "192.168.7.7:5000 x insecure http");
  EXPECT_EQ(Push("insecure.org/x"), "insecure.org x insecure http");
}

TEST_F(Registries, DockersListCountsOnlyWhereContainersSayNothing) {
  Write("etc/docker/daemon.json",
        R"({"insecure-registries": ["example.org", "mirror.org", "docker.io"]})");
  EXPECT_EQ(Push("example.org/x"), "example.org x insecure http");
  WriteMain(
      "[[registry]]\nlocation = 'example.org'\n[[registry.mirror]]\nlocation = 'mirror.org'\n");
  EXPECT_THAT(Pull("example.org/x"), ElementsAre("mirror.org x mirror", "example.org x"));
  EXPECT_EQ(Push("docker.io/team/app"), "registry-1.docker.io team/app");
}

TEST_F(Registries, CertificatesAreThoseOfTheEndpointsOwnHost) {
  Write("etc/containers/certs.d/mirror.org/ca.crt", "");
  Write("etc/containers/certs.d/docker.io/hub.crt", "");
  WriteMain("[[registry]]\nlocation = 'docker.io'\n[[registry.mirror]]\nlocation = 'mirror.org'\n");
  const auto endpoints = Read().PullEndpoints(*ParseReference("debian"));
  ASSERT_TRUE(endpoints);
  ASSERT_EQ(endpoints->size(), 2u);
  EXPECT_THAT(endpoints->at(0).tls.ca_files, ElementsAre(HasSubstr("mirror.org/ca.crt")));
  EXPECT_THAT(endpoints->at(1).tls.ca_files, ElementsAre(HasSubstr("docker.io/hub.crt")));
}

TEST_F(Registries, AWholeRegistryHasAnEndpoint) {
  EXPECT_EQ(Text(*Read().EndpointOf("example.org:5000")), "example.org:5000 ");
  for (const char* hub : {"docker.io", "index.docker.io", "registry-1.docker.io"}) {
    EXPECT_EQ(Text(*Read().EndpointOf(hub)), "registry-1.docker.io ") << hub;
  }
  for (const char* host : {"", "../../x", "example.org/x", "https://example.org", "a b"}) {
    EXPECT_EQ(Read().EndpointOf(host).error().exit(), ExitCode::kUsage) << host;
  }
}

}  // namespace
}  // namespace veneer
