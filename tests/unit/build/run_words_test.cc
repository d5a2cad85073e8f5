// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tools/build/run_step.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> kShell = {"/bin/sh", "-c"};

RunWords Words(const std::string& text) {
  const Result<Instruction> run = ParseInstruction(text);
  EXPECT_TRUE(run) << run.error().message();
  return WordsOfRun(*run, kShell);
}

TEST(RunWordsTest, TheShellGetsTheWordsAndAListIsRunAsItIs) {
  EXPECT_THAT(Words("RUN echo  $A && true").argv, ElementsAre("/bin/sh", "-c", "echo  $A && true"));
  EXPECT_THAT(Words("RUN [\"/bin/ls\", \"$A\"]").argv, ElementsAre("/bin/ls", "$A"));
}

TEST(RunWordsTest, AHeredocAloneIsAScript) {
  const RunWords words = Words("RUN <<EOF\necho a\necho b\nEOF\n");
  EXPECT_THAT(words.argv, ElementsAre("/bin/sh", "-c", "echo a\necho b\n"));
  EXPECT_THAT(words.files, IsEmpty());
}

TEST(RunWordsTest, AHeredocThatNamesItsInterpreterIsAFileThatIsRun) {
  const RunWords words = Words("RUN <<EOF\n#!/usr/bin/python3\nprint(1)\nEOF\n");
  EXPECT_THAT(words.argv, ElementsAre("/dev/pipes/EOF"));
  ASSERT_EQ(words.files.size(), 1U);
  EXPECT_EQ(words.files.front().destination, "/dev/pipes/EOF");
  EXPECT_EQ(words.files.front().content, "#!/usr/bin/python3\nprint(1)\n");
  EXPECT_EQ(words.files.front().mode, 0755U);
}

TEST(RunWordsTest, AHeredocOfACommandGoesToTheShellWithIt) {
  EXPECT_THAT(Words("RUN cat <<A - <<B\none\nA\ntwo\nB\n").argv,
              ElementsAre("/bin/sh", "-c", "cat <<A - <<B\none\nA\ntwo\nB"));
}

}  // namespace
}  // namespace veneer
