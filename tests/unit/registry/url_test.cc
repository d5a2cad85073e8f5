// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/url.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(PrintableUrl, HasNoPasswordAndNoSignature) {
  EXPECT_EQ(PrintableUrl("https://me:secret@example.org/a?signature=x#y"), "https://example.org/a");
  EXPECT_EQ(PrintableUrl("https://example.org/a@b"), "https://example.org/a@b");
}

TEST(EscapeForUrl, KeepsWhatIsPlain) {
  EXPECT_EQ(EscapeForUrl("aZ0-._~/:"), "aZ0-._~%2F%3A");
  EXPECT_EQ(EscapeForUrl("a/b:c d", "/:"), "a/b:c%20d");
}

TEST(ParseUrl, GivesTheHostWithAPortThatIsNotTheSchemesOwn) {
  const auto host = [](const char* url) { return ParseUrl(url).value().host; };
  EXPECT_EQ(host("https://Example.org/x"), "example.org");
  EXPECT_EQ(host("https://example.org:443/"), "example.org");
  EXPECT_EQ(host("http://example.org:443/"), "example.org:443");
  EXPECT_TRUE(ParseUrl("http://127.0.0.1:5000/").value().loopback);
  EXPECT_FALSE(ParseUrl("http://localhost.example/").value().loopback);
  for (const char* url : {"file:///etc/passwd", "ftp://example.org/", "", "https://"}) {
    EXPECT_FALSE(ParseUrl(url)) << url;
  }
}

TEST(ResolveUrl, FollowsToWebServersAloneAndNeverToLessSecurity) {
  const std::string base = "https://example.org/v2/a/blobs/x";
  EXPECT_EQ(ResolveUrl(base, "/b?c=d").value(), "https://example.org/b?c=d");
  EXPECT_EQ(ResolveUrl(base, "y").value(), "https://example.org/v2/a/blobs/y");
  EXPECT_EQ(ResolveUrl(base, "https://other.example/z").value(), "https://other.example/z");
  EXPECT_EQ(ResolveUrl("http://localhost/a", "https://other.example/").value(),
            "https://other.example/");
  for (const char* bad : {"http://example.org/b", "file:///etc/passwd", "gopher://x/"}) {
    EXPECT_FALSE(ResolveUrl(base, bad)) << bad;
  }
}

}  // namespace
}  // namespace veneer
