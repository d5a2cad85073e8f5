// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/host_address.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/registry/config_testing.h"
#include "tools/registry/short_name.h"

namespace veneer {
namespace {

TEST(HostAddress, ThePortIsTakenOff) {
  EXPECT_EQ(HostWithoutPort("example.org"), "example.org");
  EXPECT_EQ(HostWithoutPort("example.org:5000"), "example.org");
  EXPECT_EQ(HostWithoutPort("[::1]:5000"), "::1");
  EXPECT_EQ(HostWithoutPort("[::1]"), "::1");
  EXPECT_EQ(HostWithoutPort("::1"), "::1");
}

TEST(HostAddress, LoopbackIsAnAddressAndNoNameThatLooksLikeOne) {
  for (const char* host :
       {"localhost", "localhost:5000", "127.0.0.1:5000", "127.8.9.1", "[::1]:5000"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host :
       {"localhost.example.org", "127.0.0.1.example.org", "128.0.0.1", "[::2]:5000", "10.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

bool Contains(const char* range, const char* address) {
  return IpRange::Parse(range)->Contains(AddressesOf(address).at(0));
}

TEST(HostAddress, ARangeSharesItsFirstBits) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Contains("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(Contains("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(Contains("10.1.2.3/32", "10.1.2.3"));
  EXPECT_TRUE(Contains("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Contains("2001:db8::/32", "2001:db8:1::5"));
}

TEST(HostAddress, TextThatIsNoRange) {
  for (const char* text :
       {"10.0.0.1", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "example.org/8", "::/129", "/8"}) {
    EXPECT_FALSE(IpRange::Parse(text)) << text;
  }
}

TEST(ShortName, AHostIsWrittenOrNot) {
  EXPECT_EQ(ParseShortName("debian")->name, "debian");
  EXPECT_EQ(ParseShortName("team/app:1.0")->name, "team/app");
  EXPECT_EQ(ParseShortName("team/app:1.0")->suffix, ":1.0");
  const std::string digest = "@sha256:" + std::string(64, 'a');
  EXPECT_EQ(ParseShortName("debian" + digest)->suffix, digest);
  EXPECT_EQ(ParseShortName("debian:12" + digest)->suffix, ":12" + digest);
  for (const char* text : {"docker.io/debian", "index.docker.io/debian", "localhost/debian",
                           "example.org:5000/app", "not a name"}) {
    EXPECT_FALSE(ParseShortName(text)) << text;
  }
}

TEST(ConfigPlaces, ComeFromTheEnvironment) {
  setenv("CONTAINERS_REGISTRIES_CONF", "/some/file", 1);
  setenv("HOME", "/home/someone", 1);
  const ConfigPlaces places = ConfigPlaces::OfThisProcess();
  unsetenv("CONTAINERS_REGISTRIES_CONF");
  EXPECT_EQ(places.registries_conf, "/some/file");
  EXPECT_EQ(places.user, "/home/someone/.config");
  EXPECT_EQ(places.system, "/etc");
}

}  // namespace
}  // namespace veneer
