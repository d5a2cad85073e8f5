// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session_spec.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(ParseBindTest, ReadsPathsAndMode) {
  EXPECT_EQ(*ParseBind("/a:/b"), (BindMount{"/a", "/b", false}));
  EXPECT_EQ(*ParseBind("a/b:/c:ro"), (BindMount{"a/b", "/c", true}));
  EXPECT_EQ(*ParseBind("/a:/b:rw"), (BindMount{"/a", "/b", false}));
  EXPECT_EQ(*ParseBind("/a\\:b:/c\\\\d"), (BindMount{"/a:b", "/c\\d", false}));
}

TEST(ParseBindTest, RefusesWhatIsNoBind) {
  for (const char* text : {"", "/a", ":", "/a:", ":/b", "/a:b", "/a:/", "/a://", "/a:/..",
                           "/a:/b:rx", "/a:/b:ro:x", "/a:/b:ro,shared"}) {
    const Result<BindMount> bind = ParseBind(text);
    ASSERT_FALSE(bind) << text;
    EXPECT_EQ(bind.error().exit(), ExitCode::kUsage);
  }
}

TEST(ComposeEnvironmentTest, TheImageWinsOverDefaultsAndTheCallerOverTheImage) {
  Account account;
  account.home = "/root";
  EXPECT_EQ(
      ComposeEnvironment({}, account, ""),
      (std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                "HOME=/root"}));
  EXPECT_EQ(
      ComposeEnvironment({"HOME=/image", "PATH=/p", "X=1", "X=2", "XY=3", "=bad", "bad", "E="},
                         account, "vt100"),
      (std::vector<std::string>{"PATH=/p", "HOME=/image", "TERM=vt100", "X=2", "XY=3", "E="}));
}

}  // namespace
}  // namespace veneer
