// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/reference.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

const std::string kHex(64, 'a');

TEST(ReferenceTest, ShortNamesBelongToDockersLibraryAndAreWrittenShort) {
  struct Case {
    const char* text;
    const char* domain;
    const char* path;
    const char* tag_name;
  };
  for (const Case& c : std::vector<Case>{
           {"debian", "docker.io", "library/debian", "debian:latest"},
           {"debian:12", "docker.io", "library/debian", "debian:12"},
           {"docker.io/library/debian:12", "docker.io", "library/debian", "debian:12"},
           {"index.docker.io/debian", "docker.io", "library/debian", "debian:latest"},
           {"team/app:1.0", "docker.io", "team/app", "team/app:1.0"},
           {"localhost/app", "localhost", "app", "localhost/app:latest"},
           {"localhost:5000/app:x", "localhost:5000", "app", "localhost:5000/app:x"},
           {"example.org/a/b__c/d-e.f:T_1", "example.org", "a/b__c/d-e.f",
            "example.org/a/b__c/d-e.f:T_1"},
           {"[fd00::1]:5000/app", "[fd00::1]:5000", "app", "[fd00::1]:5000/app:latest"},
           {"UPPER/a", "UPPER", "a",
            "UPPER/a:latest"},  // an upper-case head is a host, as Docker reads it
           {"a---b", "docker.io", "library/a---b", "a---b:latest"},
       }) {
    const Result<Reference> reference = ParseReference(c.text);
    ASSERT_TRUE(reference) << c.text << ": " << reference.error().message();
    EXPECT_EQ(reference->domain, c.domain) << c.text;
    EXPECT_EQ(reference->path, c.path) << c.text;
    EXPECT_EQ(reference->TagName(), c.tag_name) << c.text;
  }
}

TEST(ReferenceTest, ReadsADigestAfterTheName) {
  const Result<Reference> reference = ParseReference("debian:12@sha256:" + kHex);
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->tag, "12");
  EXPECT_EQ(reference->digest->hex(), kHex);
  EXPECT_EQ(reference->ToString(), "debian:12@sha256:" + kHex);
}

TEST(ReferenceTest, RefusesWhatTheGrammarRefusesAsAUsageError) {
  for (const std::string& text : std::vector<std::string>{"",
                                                          ":",
                                                          "Debian",
                                                          "debian:",
                                                          "debian:-x",
                                                          "debian:.x",
                                                          "debian:" + std::string(129, 'x'),
                                                          "a//b",
                                                          "/a",
                                                          "a/",
                                                          "a..b",
                                                          "a___b",
                                                          "-a",
                                                          "a-",
                                                          "_a",
                                                          "a:b:c",
                                                          "a b",
                                                          "a@sha256:x",
                                                          "a@",
                                                          "debian@md5:" + kHex,
                                                          kHex,
                                                          kHex + ":tag",
                                                          "exa$mple.org/a",
                                                          "example.org:port/a",
                                                          "example..org/a",
                                                          std::string(256, 'a'),
                                                          "../../etc/passwd",
                                                          "a/../b",
                                                          "a\nb"}) {
    const Result<Reference> reference = ParseReference(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().exit(), ExitCode::kUsage) << text;
  }
}

TEST(ReferenceTest, SplitsATagNameAtTheTagOnly) {
  EXPECT_EQ(SplitTagName("localhost:5000/app"),
            std::make_pair(std::string("localhost:5000/app"), std::string()));
  EXPECT_EQ(SplitTagName("localhost:5000/app:1"),
            std::make_pair(std::string("localhost:5000/app"), std::string("1")));
}

}  // namespace
}  // namespace veneer
