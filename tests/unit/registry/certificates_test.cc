// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/registry/config_testing.h"

namespace veneer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Certificates : public ConfigTest {};

TEST_F(Certificates, AHostWithoutADirectoryIsVerifiedByTheSystemsAuthorities) {
  EXPECT_EQ(*TlsSettingsOf(places_, "example.org"), TlsSettings());
}

TEST_F(Certificates, AuthoritiesAndTheClientsCertificate) {
  const std::string folder = "etc/containers/certs.d/example.org:5000/";
  for (const char* name : {"b.crt", "a.crt", "client.cert", "client.key", "README"})
    Write(folder + name, "");
  const Result<TlsSettings> settings = TlsSettingsOf(places_, "example.org:5000");
  ASSERT_TRUE(settings);
  const std::string path = root_ + "/" + folder;
  EXPECT_THAT(settings->ca_files, ElementsAre(path + "a.crt", path + "b.crt"));
  EXPECT_EQ(settings->client_cert, path + "client.cert");
  EXPECT_EQ(settings->client_key, path + "client.key");
  EXPECT_TRUE(settings->verify);
}

TEST_F(Certificates, AreForTheirOwnHostAndPort) {
  Write("etc/docker/certs.d/example.org:5000/ca.crt", "");
  EXPECT_EQ(TlsSettingsOf(places_, "example.org:5000")->ca_files.size(), 1u);
  for (const char* host : {"example.org", "example.org:443", "a.example.org:5000"}) {
    EXPECT_TRUE(TlsSettingsOf(places_, host)->ca_files.empty()) << host;
  }
}

TEST_F(Certificates, TheFirstDirectoryOfAHostIsTheOnlyOne) {
  Write("etc/docker/certs.d/example.org/docker.crt", "");
  EXPECT_THAT(TlsSettingsOf(places_, "example.org")->ca_files,
              ElementsAre(HasSubstr("docker.crt")));
  Write("etc/containers/certs.d/example.org/system.crt", "");
  EXPECT_THAT(TlsSettingsOf(places_, "example.org")->ca_files,
              ElementsAre(HasSubstr("system.crt")));
  Write("home/.config/containers/certs.d/example.org/user.crt", "");
  EXPECT_THAT(TlsSettingsOf(places_, "example.org")->ca_files, ElementsAre(HasSubstr("user.crt")));
}

TEST_F(Certificates, ACertificateWithoutItsKeyIsRefused) {
  Write("etc/containers/certs.d/example.org/client.cert", "");
  const std::string folder = root_ + "/etc/containers/certs.d/";
  EXPECT_EQ(TlsSettingsOf(places_, "example.org").error().message(),
            folder + "example.org/client.cert: client.key is not beside it");
  Write("etc/containers/certs.d/example.com/client.key", "");
  EXPECT_EQ(TlsSettingsOf(places_, "example.com").error().message(),
            folder + "example.com/client.key: client.cert is not beside it");
}

}  // namespace
}  // namespace veneer
