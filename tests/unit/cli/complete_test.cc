// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/complete.h"

#include <gmock/gmock.h>

#include <set>

#include "tools/cli/commands.h"

namespace veneer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class CompleteTest : public ::testing::Test {
 protected:
  Completion At(const std::vector<std::string>& words) {
    return Complete(veneer_, words,
                    {[] {
                       return std::vector<std::string>{"web", "work"};
                     },
                     [] {
                       return std::vector<std::string>{"debian:12", "host:5000/app:1"};
                     }});
  }
  std::vector<std::string> Words(const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const Candidate& candidate : At(words).candidates) found.push_back(candidate.word);
    return found;
  }

  Context context_;
  CommandSpec veneer_ = VeneerCommand(context_);
};

TEST_F(CompleteTest, OffersEveryCommandWithItsSummaryAndNoHiddenOne) {
  std::set<std::string> offered;
  for (const Candidate& candidate : At({""}).candidates) {
    EXPECT_FALSE(candidate.help.empty()) << candidate.word;
    offered.insert(candidate.word);
  }
  for (const CommandSpec& command : veneer_.commands) {
    EXPECT_EQ(offered.contains(std::string(command.name)), !command.hidden) << command.name;
  }
  EXPECT_THAT(Words({"im"}), ElementsAre("import", "images", "image"));
  EXPECT_THAT(Words({"container", "re"}), ElementsAre("rename", "remove"));
  EXPECT_THAT(Words({"help", "system", ""}), ElementsAre("df", "info", "prune", "fsck"));
  EXPECT_THAT(Words({"builder", ""}), ElementsAre("build", "du", "prune"));
  EXPECT_THAT(Words({"help", "rm", ""}), IsEmpty());
  EXPECT_THAT(Words({"nonsense", ""}), IsEmpty());
}

TEST_F(CompleteTest, OffersEveryOptionOfTheCommandAndThoseThatAreEverywhere) {
  for (const CommandSpec& command : veneer_.commands) {
    const std::vector<std::string> offered = Words({std::string(command.name), "-"});
    for (const Option& option : command.options) {
      const std::string name(option.long_name());
      EXPECT_EQ(std::ranges::find(offered, name) != offered.end(), !option.hidden) << name;
    }
    EXPECT_THAT(offered, Contains("--root")) << command.name;
    EXPECT_THAT(offered, ::testing::Not(Contains("--version"))) << command.name;
  }
  EXPECT_THAT(Words({"image", "prune", "--f"}), ElementsAre("--force", "--filter"));
  EXPECT_THAT(Words({"builder", "prune", "--filter", ""}), ElementsAre("until=", "id=", "type="));
}

TEST_F(CompleteTest, OffersTheValuesOfAnOption) {
  EXPECT_THAT(Words({"save", "--format", "o"}), ElementsAre("oci-archive", "oci-dir"));
  const Completion behind_equal = At({"save", "--format=d"});
  EXPECT_EQ(behind_equal.prefix, "--format=");
  EXPECT_EQ(behind_equal.candidates.at(0).word, "docker-archive");
  EXPECT_TRUE(At({"save", "-o", ""}).files);
  EXPECT_TRUE(At({"--root", ""}).directories);
  EXPECT_THAT(Words({"images", "-q", "-f", "d"}), ElementsAre("dangling="));
  EXPECT_TRUE(At({"images", "-f", ""}).more_follows);
  const Completion filter = At({"images", "--filter=before=deb"});
  EXPECT_EQ(filter.prefix, "--filter=before=");
  EXPECT_EQ(filter.candidates.at(0).word, "debian:12");
  EXPECT_FALSE(filter.more_follows);
  const Completion list = At({"mount", "-o", "suid,noa"});
  EXPECT_EQ(list.prefix, "suid,");
  EXPECT_THAT(Words({"mount", "-o", "suid,noa"}), ElementsAre("noatime", "noacl"));
  setenv("VENEER_TEST_VARIABLE", "1", 1);
  EXPECT_THAT(Words({"chroot", "-e", "VENEER_TEST_V"}), ElementsAre("VENEER_TEST_VARIABLE"));
}

TEST_F(CompleteTest, OffersTheNamesThatFitAnArgument) {
  EXPECT_THAT(Words({"rm", "web", ""}), ElementsAre("web", "work"));
  EXPECT_THAT(Words({"rmi", "-f", "h"}), ElementsAre("host:5000/app:1"));
  EXPECT_THAT(Words({"rename", "web", ""}), IsEmpty());
  EXPECT_THAT(Words({"tag", "debian:12", "debian:12", ""}), IsEmpty());
  EXPECT_THAT(Words({"mount", "--name", "x", "w"}), ElementsAre("web", "work"));
  EXPECT_THAT(Words({"mount", "--name", "x", "web", ""}), IsEmpty());
  EXPECT_TRUE(At({"mount", "web", ""}).directories);
  EXPECT_THAT(Words({"umount", ""}), ElementsAre("web", "work"));
  EXPECT_TRUE(At({"umount", "./w"}).directories);
  EXPECT_TRUE(At({"import", ""}).files);
  EXPECT_THAT(Words({"rm", "--", "we"}), ElementsAre("web"));
}

TEST_F(CompleteTest, LeavesAProgramToTheShell) {
  EXPECT_EQ(At({"chroot", "web", "ls"}).program, 2U);
  EXPECT_EQ(At({"chroot", "-u", "root", "web", "-r", "--", "ls", "-l", ""}).program, 6U);
  EXPECT_EQ(At({"chroot", "web", "ls", "-"}).program, 2U);
  EXPECT_EQ(At({"chroot", "web", "-"}).program, std::nullopt);
}

TEST_F(CompleteTest, AsksTheStoreThatTheLineNames) {
  At({"--root", "/some/where", "rm", ""});
  EXPECT_EQ(context_.root_option, "/some/where");
  setenv("HOME", "/home/me", 1);
  At({"rm", "--root=~/store", ""});
  EXPECT_EQ(context_.root_option, "/home/me/store");
}

TEST_F(CompleteTest, IsTextForAShell) {
  EXPECT_EQ(
      CompletionText(
          {.candidates = {{"a", "what a is"}, {"b"}}, .prefix = "--x=", .more_follows = true}),
      ":prefix --x=\n:nospace\na\twhat a is\nb\n");
  EXPECT_EQ(CompletionText({.files = true}), ":files\n");
  EXPECT_EQ(CompletionText({.program = 2}), ":program 2\n");
}

}  // namespace
}  // namespace veneer
