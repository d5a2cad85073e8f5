// SPDX-License-Identifier: Apache-2.0
#include "tools/build/git_url.h"

#include <gmock/gmock.h>

namespace veneer {
namespace {

// "REMOTE REF DIRECTORY", "-" for what is empty.
std::string Parsed(const std::string& text) {
  const auto url = ParseGitUrl(text);
  if (!url) return "error: " + url.error().message();
  if (!*url) return "no";
  const auto shown = [](const std::string& part) { return part.empty() ? "-" : part; };
  return (*url)->remote + " " + shown((*url)->ref) + " " + shown((*url)->directory);
}

TEST(ParseGitUrl, TellsRepositoriesFromOtherSources) {
  EXPECT_EQ(Parsed("git://h/p"), "git://h/p - -");
  EXPECT_EQ(Parsed("ssh://git@h:22/p"), "ssh://git@h:22/p - -");
  EXPECT_EQ(Parsed("git@h.org:u/p.git"), "git@h.org:u/p.git - -");
  EXPECT_EQ(Parsed("file:///srv/p"), "file:///srv/p - -");
  EXPECT_EQ(Parsed("https://h/p.git"), "https://h/p.git - -");
  EXPECT_EQ(Parsed("https://u:s@h/p.git"), "https://u:s@h/p.git - -");
  EXPECT_EQ(Parsed("http://github.com/u/p"), "http://github.com/u/p - -");
  EXPECT_EQ(Parsed("github.com/u/p"), "https://github.com/u/p - -");
  EXPECT_TRUE((*ParseGitUrl("github.com/u/p"))->may_be_path);
  for (const char* text : {"",
                           ".",
                           "-",
                           "dir/file",
                           "a.git",
                           "./git@h:p",
                           "https://h/p",
                           "https://h/p.git/x",
                           "https://h/p.tar.gz#main",
                           "https://github.com/u/p/archive/main.tar.gz",
                           "git://",
                           "https://github.com/u",
                           "https://evil/github.com/u",
                           "@h:p",
                           "u@:p",
                           "-u@h:p",
                           "u@-oh:p",
                           "u@h:",
                           "ext::sh -c x",
                           "ssh://-oProxyCommand=x/p",
                           "C:/x"}) {
    EXPECT_EQ(Parsed(text), "no") << text;
  }
}

TEST(ParseGitUrl, ReadsTheFragment) {
  EXPECT_EQ(Parsed("https://h/p.git#main"), "https://h/p.git main -");
  EXPECT_EQ(Parsed("https://h/p.git#main:a/b"), "https://h/p.git main a/b");
  EXPECT_EQ(Parsed("https://h/p.git#:/a/./b/"), "https://h/p.git - a/b");
  EXPECT_EQ(Parsed("git@h:p#v1.0:d"), "git@h:p v1.0 d");
  EXPECT_EQ(Parsed("https://h/p.git#"), "https://h/p.git - -");
}

TEST(ParseGitUrl, ReadsTheQuery) {
  EXPECT_EQ(Parsed("https://h/p.git?ref=main&subdir=a"), "https://h/p.git main a");
  EXPECT_EQ(Parsed("https://h/p.git?branch=b"), "https://h/p.git refs/heads/b -");
  EXPECT_EQ(Parsed("https://h/p.git?tag=t#:d"), "https://h/p.git refs/tags/t d");
  EXPECT_EQ((*ParseGitUrl("https://h/p.git?checksum=abcdef1"))->checksum, "abcdef1");
  for (const char* text :
       {"https://h/p.git?x=y", "https://h/p.git?ref=a&tag=b", "https://h/p.git?ref=a#b",
        "https://h/p.git?subdir=a#:b", "https://h/p.git?ref="}) {
    EXPECT_THAT(Parsed(text), testing::StartsWith("error: https://h/p.git: ")) << text;
  }
}

TEST(ParseGitUrl, RefusesWhatGitWouldTakeForMoreThanAName) {
  for (const char* ref :
       {"-x", "--upload-pack=x", "+a", "a..b", "a b", "a~1", "a^", "@{1}", "a*", "a\tb", "a?b"}) {
    EXPECT_THAT(Parsed(std::string("https://h/p.git#") + ref),
                testing::HasSubstr("is no name of a branch, tag or commit"))
        << ref;
  }
  EXPECT_THAT(Parsed("https://h/p.git#:a/../.."), testing::HasSubstr("leaves the repository"));
  EXPECT_THAT(Parsed("https://h/a\nb.git"), testing::HasSubstr("it is no text"));
}

}  // namespace
}  // namespace veneer
