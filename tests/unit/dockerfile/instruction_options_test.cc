// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/instruction_options.h"

#include <gtest/gtest.h>

#include "tools/dockerfile/instruction_flags.h"

namespace veneer {
namespace {

using Flags = std::vector<InstructionFlag>;

Instruction Make(const std::string& name, Flags flags, const std::string& arguments) {
  Instruction instruction;
  instruction.name = name;
  instruction.flags = std::move(flags);
  instruction.arguments = arguments;
  return instruction;
}

template <class T>
std::string ErrorOf(const Result<T>& result) {
  if (result) return "no error";
  EXPECT_EQ(result.error().exit(), ExitCode::kUsage);
  return result.error().message();
}

TEST(FromOptionsTest, ReadsTheBaseThePlatformAndTheName) {
  const auto plain = ParseFrom(Make("FROM", {}, "alpine:3"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->base, "alpine:3");
  EXPECT_EQ(plain->name, std::nullopt);
  EXPECT_EQ(plain->platform, std::nullopt);
  const auto full =
      ParseFrom(Make("FROM", {{"platform", "$BUILDPLATFORM"}}, "${BASE} \t as Build_1.x-y"));
  ASSERT_TRUE(full);
  EXPECT_EQ(full->base, "${BASE}");
  EXPECT_EQ(full->name, "build_1.x-y");
  EXPECT_EQ(full->platform, "$BUILDPLATFORM");
  EXPECT_TRUE(IsReservedStageName("scratch"));
  EXPECT_TRUE(IsReservedStageName("context"));
  EXPECT_FALSE(IsReservedStageName("build"));
}

TEST(FromOptionsTest, WhatIsWrongIsRefused) {
  const auto error = [](Flags flags, const std::string& arguments) {
    return ErrorOf(ParseFrom(Make("FROM", std::move(flags), arguments)));
  };
  for (const char* words : {"", "a b", "a b c", "a as", "a as b c"}) {
    EXPECT_EQ(error({}, words), "FROM: it takes BASE or BASE AS NAME") << words;
  }
  for (const char* name : {"1a", "-a", "a/b", "a$b", "a:1"}) {
    EXPECT_NE(error({}, std::string("x AS ") + name).find("is no name of a stage"),
              std::string::npos)
        << name;
  }
  EXPECT_EQ(error({{"link", "x"}}, "a"), "FROM: --link is no flag of it; it has --platform");
  EXPECT_EQ(error({{"platform", {}}}, "a"), "FROM: --platform needs a value, with =");
  EXPECT_EQ(error({{"platform", "x"}, {"platform", "x"}}, "a"),
            "FROM: --platform may be given only once");
}

TEST(CopyOptionsTest, ReadsTheFlagsOfCopy) {
  const auto options = ParseCopy(Make("COPY",
                                      {{"from", "build"},
                                       {"chown", "1:$G"},
                                       {"chmod", "u=rwX"},
                                       {"link", {}},
                                       {"parents", "TRUE"},
                                       {"exclude", "*.o"},
                                       {"exclude", "!x.o"}},
                                      "a $b /d/"));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->from, "build");
  EXPECT_EQ(options->chown, "1:$G");
  EXPECT_EQ(options->chmod, "u=rwX");
  EXPECT_TRUE(options->link);
  EXPECT_TRUE(options->parents);
  EXPECT_EQ(options->exclude, (std::vector<std::string>{"*.o", "!x.o"}));
  ASSERT_EQ(options->sources.size(), 2);
  EXPECT_EQ(options->sources[0].path, "a");
  EXPECT_EQ(options->sources[1].path, "$b");
  EXPECT_EQ(options->destination, "/d/");
}

TEST(CopyOptionsTest, ReadsTheFlagsOfAdd) {
  const auto options = ParseCopy(
      Make("ADD", {{"checksum", "sha256:0"}, {"keep-git-dir", {}}, {"unpack", "false"}}, "a /d"));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->checksum, "sha256:0");
  EXPECT_TRUE(options->keep_git_dir);
  EXPECT_EQ(options->unpack, false);
  EXPECT_FALSE(options->link);
  EXPECT_EQ(ParseCopy(Make("ADD", {}, "a /d"))->unpack, std::nullopt);
}

TEST(CopyOptionsTest, OnlyAListTakesBlanks) {
  const auto plain = ParseCopy(Make("COPY", {}, "a\\ b \"c d\" \"\""));
  ASSERT_TRUE(plain);
  ASSERT_EQ(plain->sources.size(), 4);
  EXPECT_EQ(plain->sources[0].path, "a\\");
  EXPECT_EQ(plain->sources[2].path, "\"c");
  EXPECT_EQ(plain->destination, "\"\"");
  Instruction list = Make("COPY", {}, R"(["a b", "<<EOF", "/d e"])");
  list.list = {"a b", "<<EOF", "/d e"};
  const auto options = ParseCopy(list);
  ASSERT_TRUE(options);
  ASSERT_EQ(options->sources.size(), 2);
  EXPECT_EQ(options->sources[0].path, "a b");
  EXPECT_EQ(options->sources[1].path, "<<EOF");
  EXPECT_EQ(options->sources[1].heredoc, std::nullopt);
  EXPECT_EQ(options->destination, "/d e");
}

TEST(CopyOptionsTest, HeredocsAreFoundByTheirWords) {
  Instruction instruction = Make("COPY", {}, "<<a.txt x <<-\"b.txt\" 3<<a.txt /d/");
  instruction.heredocs = {{"a.txt", "1", true}, {"b.txt", "2", true}, {"a.txt", "3", false}};
  const auto options = ParseCopy(instruction);
  ASSERT_TRUE(options);
  ASSERT_EQ(options->sources.size(), 4);
  EXPECT_EQ(options->sources[0].heredoc, 0);
  EXPECT_EQ(options->sources[0].path, "a.txt");
  EXPECT_EQ(options->sources[1].heredoc, std::nullopt);
  EXPECT_EQ(options->sources[2].heredoc, 1);
  EXPECT_EQ(options->sources[2].path, "b.txt");
  EXPECT_EQ(options->sources[3].heredoc, 2);
  Instruction wrong = Make("COPY", {}, "a <<d");
  wrong.heredocs = {{"d", "", true}};
  EXPECT_EQ(ErrorOf(ParseCopy(wrong)), "COPY: a heredoc cannot be the destination");
}

TEST(CopyOptionsTest, WhatIsWrongIsRefused) {
  const auto error = [](const std::string& name, Flags flags,
                        const std::string& arguments = "a b") {
    return ErrorOf(ParseCopy(Make(name, std::move(flags), arguments)));
  };
  EXPECT_EQ(error("COPY", {{"form", "x"}}),
            "COPY: --form is no flag of it; it has --from, --chown, --chmod, --link, --parents, "
            "--exclude");
  EXPECT_EQ(error("ADD", {{"from", "x"}}),
            "ADD: --from is no flag of it; it has --chown, --chmod, --link, --exclude, --checksum, "
            "--keep-git-dir, --unpack");
  EXPECT_EQ(error("COPY", {{"from", {}}}), "COPY: --from needs a value, with =");
  EXPECT_EQ(error("COPY", {{"chown", "1"}, {"chown", "1"}}),
            "COPY: --chown may be given only once");
  EXPECT_EQ(error("COPY", {{"link", "1"}}), "COPY: --link=1: the value is true or false");
  EXPECT_EQ(error("COPY", {{"link", ""}}), "COPY: --link=: the value is true or false");
  for (const char* words : {"", "a"}) {
    EXPECT_EQ(error("ADD", {}, words),
              "ADD: it takes one or more sources, and a destination behind them");
  }
}

TEST(OwnerWordsTest, AMissingHalfIsRootAndNoHalfIsTheUsersOwnGroup) {
  struct Case {
    std::string text, user;
    std::optional<std::string> group;
  };
  const std::vector<Case> cases = {{"5", "5", {}},        {"ann", "ann", {}}, {"5:6", "5", "6"},
                                   {"ann:g", "ann", "g"}, {":50", "0", "50"}, {"5:", "5", "0"},
                                   {":", "0", "0"}};
  for (const auto& [text, user, group] : cases) {
    const auto owner = SplitOwner(text);
    ASSERT_TRUE(owner) << text;
    EXPECT_EQ(owner->user, user) << text;
    EXPECT_EQ(owner->group, group) << text;
  }
  for (const char* text : {"", "a:b:c", "2147483648", "-1", "a b"}) {
    EXPECT_EQ(ErrorOf(SplitOwner(text)).substr(0, 9), "--chown: ") << text;
  }
}

}  // namespace
}  // namespace veneer
