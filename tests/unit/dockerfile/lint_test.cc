// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/lint.h"

#include <gmock/gmock.h>

#include "tools/dockerfile/lint_names.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LintTest : public testing::Test {
 protected:
  LintTest() {
    inputs_.predefined = {{"TARGETPLATFORM", "linux/amd64"}, {"BUILDPLATFORM", "linux/amd64"}};
    inputs_.variables_of = [](const std::string& image) -> std::optional<std::vector<std::string>> {
      if (image == "base") return std::vector<std::string>{"OF_BASE=1"};
      return std::nullopt;
    };
  }

  // "LINE RULE", and the messages beside them in messages_.
  std::vector<std::string> Check(const std::string& text, const std::string& settings = "") {
    const Result<Dockerfile> file = ParseDockerfile(text);
    if (!file) return {file.error().message()};
    const Result<LintSettings> read = ParseLintSettings(settings.empty() ? file->check : settings);
    if (!read) return {read.error().message()};
    inputs_.text = text;
    std::vector<std::string> lines;
    messages_.clear();
    for (const LintFinding& finding : LintDockerfile(*file, inputs_, *read)) {
      lines.push_back(std::to_string(finding.first_line) + " " + std::string(NameOf(finding.rule)));
      messages_.push_back(finding.message);
    }
    return lines;
  }

  LintInputs inputs_;
  std::vector<std::string> messages_;
};

TEST_F(LintTest, AGoodFileHasNoFindings) {
  EXPECT_THAT(Check("ARG TAG=1\nFROM base:$TAG AS build\nARG A\nENV B=$A C=${OF_BASE}\n"
                    "WORKDIR /w\nWORKDIR x\nCOPY . .\nEXPOSE 80/tcp $A\nRUN echo $ANY\n"
                    "FROM build\nHEALTHCHECK NONE\nENTRYPOINT [\"/a\"]\nCMD [\"b\"]\n"),
              IsEmpty());
}

TEST_F(LintTest, TheCaseOfInstructionsIsThatOfMost) {
  EXPECT_THAT(Check("FROM base\nrun true\nRun true\nRUN true\n"),
              ElementsAre("2 ConsistentInstructionCasing", "3 ConsistentInstructionCasing"));
  EXPECT_EQ(messages_[0],
            "Command 'run' should match the case of the command majority (uppercase)");
  EXPECT_THAT(Check("from base\nrun true\nRUN true\n"),
              ElementsAre("3 ConsistentInstructionCasing"));
}

TEST_F(LintTest, NamesOfStages) {
  EXPECT_THAT(Check("FROM base as Build\nFROM base AS build\nFROM base AS scratch\n"),
              ElementsAre("1 FromAsCasing", "1 StageNameCasing", "2 DuplicateStageName",
                          "3 ReservedStageName"));
  EXPECT_EQ(messages_[0], "'as' and 'FROM' keywords' casing do not match");
  EXPECT_EQ(messages_[1], "Stage name 'Build' should be lowercase");
  EXPECT_EQ(messages_[2], "Duplicate stage name \"build\", stage names should be unique");
}

TEST_F(LintTest, ArgumentsOfFrom) {
  EXPECT_THAT(Check("ARG TAG\nFROM base:$TAG\nFROM ${NONE:-base}\nFROM $MISSING\n"),
              ElementsAre("2 InvalidDefaultArgInFrom", "4 UndefinedArgInFrom",
                          "4 InvalidDefaultArgInFrom"));
  EXPECT_EQ(messages_[1], "FROM argument 'MISSING' is not declared");
}

TEST_F(LintTest, PlatformsOfFrom) {
  EXPECT_THAT(
      Check("FROM --platform=$TARGETPLATFORM base\nFROM --platform=linux/amd64 base\n"
            "FROM --platform=$BUILDPLATFORM base\nFROM --platform=linux/arm64 base AS for-arm64\n"),
      ElementsAre("1 RedundantTargetPlatform", "2 FromPlatformFlagConstDisallowed"));
}

TEST_F(LintTest, VariablesThatNothingDeclares) {
  EXPECT_THAT(
      Check("FROM base AS a\nCOPY $X ${Y:-z} '$Z' \\$W /d\nENV V=1\nFROM a\nUSER $V$OF_BASE\n"
            "LABEL l=$PATH m=$http_proxy\nFROM elsewhere\nWORKDIR $X\nFROM scratch\nUSER $X\n"),
      ElementsAre("2 UndefinedVar", "10 UndefinedVar"));
  EXPECT_EQ(messages_[0], "Usage of undefined variable '$X'");
}

TEST_F(LintTest, AStageHasTheArgumentsOfTheOneItIsBuiltUpon) {
  EXPECT_THAT(Check("FROM scratch AS a\nARG X=1\nFROM a\nUSER $X\nFROM scratch\nUSER $X\n"),
              ElementsAre("6 UndefinedVar"));
}

TEST_F(LintTest, ArgumentsThatAreGivenChooseTheBase) {
  const std::string text = "ARG BASE=other\nFROM $BASE\nUSER $OF_BASE\nLABEL l=$NONE\n";
  EXPECT_THAT(Check(text), IsEmpty());  // of which nothing is known
  inputs_.given = {{"BASE", "base"}};
  EXPECT_THAT(Check(text), ElementsAre("4 UndefinedVar"));
}

TEST_F(LintTest, ThereIsAnEndOfFindings) {
  std::string text = "FROM base\n";
  for (size_t i = 0; i < 2 * kMaxLintFindings; ++i) text += "MAINTAINER me\n";
  EXPECT_EQ(Check(text).size(), kMaxLintFindings);
}

TEST_F(LintTest, CommandsThatCountOnce) {
  EXPECT_THAT(
      Check("FROM base\nCMD [\"a\"]\nCMD b\nENTRYPOINT c\nFROM base\nSHELL [\"/x\"]\nCMD d\n"),
      ElementsAre("2 MultipleInstructionsDisallowed", "3 JSONArgsRecommended",
                  "4 JSONArgsRecommended"));
}

TEST_F(LintTest, OldFormsAndSecrets) {
  EXPECT_THAT(
      Check("FROM base\nMAINTAINER me\nENV a b\nLABEL c d\nARG API_KEY\nENV public_key=1 "
            "api_key_file=3 "
            "db_password=2\n"),
      ElementsAre("2 MaintainerDeprecated", "3 LegacyKeyValueFormat", "4 LegacyKeyValueFormat",
                  "5 SecretsUsedInArgOrEnv", "6 SecretsUsedInArgOrEnv"));
  EXPECT_EQ(messages_[1],
            "\"ENV key=value\" should be used instead of legacy \"ENV key value\" format");
  EXPECT_EQ(messages_[4],
            "Do not use ARG or ENV instructions for sensitive data (ENV \"db_password\")");
}

TEST_F(LintTest, DirectoriesAndPorts) {
  EXPECT_THAT(Check("FROM base\nWORKDIR a\nEXPOSE 80/TCP 127.0.0.1:80:80\n"),
              ElementsAre("2 WorkdirRelativePath", "3 ExposeProtoCasing", "3 ExposeInvalidFormat"));
}

TEST_F(LintTest, SourcesThatAreKeptOutOfTheContext) {
  const IgnoreFile ignored = IgnoreFile::Parse("*.md\n!keep.md\n").value();
  inputs_.ignored = &ignored;
  EXPECT_THAT(Check("FROM base\nCOPY ./a.md keep.md /d/\nADD a.md /\nCOPY --from=base b.md /\n"),
              ElementsAre("2 CopyIgnoredFile", "3 CopyIgnoredFile"));
  EXPECT_EQ(messages_[1], "Attempting to Add file \"a.md\" that is excluded by .dockerignore");
}

TEST_F(LintTest, ABlankLineWithinAnInstruction) {
  EXPECT_THAT(Check("FROM base\nRUN a \\\n\n b\n"), ElementsAre("3 NoEmptyContinuation"));
  EXPECT_THAT(messages_[0], HasSubstr("Empty continuation line"));
}

TEST_F(LintTest, DescriptionsAreCheckedWhereThatIsAskedFor) {
  const std::string text =
      "# other words\nARG A\n# B is right\nARG B\n\n# free\n\nARG C\nFROM base\n";
  EXPECT_THAT(Check(text), IsEmpty());
  EXPECT_THAT(Check(text, "experimental=InvalidDefinitionDescription"),
              ElementsAre("2 InvalidDefinitionDescription"));
}

TEST_F(LintTest, TheDirectiveSkipsRules) {
  EXPECT_THAT(Check("# check=skip=MaintainerDeprecated\nFROM base\nMAINTAINER me\nCMD a\n"),
              ElementsAre("4 JSONArgsRecommended"));
  EXPECT_THAT(Check("# check=skip=all;error=true\nFROM base\nMAINTAINER me\n"), IsEmpty());
}

TEST(LintSettings, ReadsTheDirective) {
  const auto read = ParseLintSettings(" skip=A, B ;error=TRUE;experimental=all");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(read->skip, ElementsAre("A", "B"));
  EXPECT_TRUE(read->error);
  EXPECT_TRUE(ParseLintSettings("error=1")->error);
  EXPECT_FALSE(ParseLintSettings("error=0")->error);
  EXPECT_TRUE(read->experimental_all);
  EXPECT_TRUE(read->Reports(LintRule::kInvalidDefinitionDescription));
  for (const char* wrong : {"error=maybe", "error", "nonsense=1"}) {
    EXPECT_FALSE(ParseLintSettings(wrong)) << wrong;
  }
  EXPECT_EQ(UrlOf(LintRule::kJsonArgsRecommended),
            "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
}

TEST(LintNames, VariablesThatHaveNoValueOfTheirOwn) {
  EXPECT_THAT(VariablesIn("$a ${b} ${c:-d} '$e' \"'$f'\" \\$g $1 $a", '\\'),
              ElementsAre("a", "b", "f"));
}

}  // namespace
}  // namespace veneer
