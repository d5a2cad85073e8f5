// SPDX-License-Identifier: Apache-2.0
#include "tools/process/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "layerdb/base/log.h"

namespace veneer {
namespace {

TEST(RunCommandTest, GathersStandardErrorAndTheExitCode) {
  const Result<Outcome> outcome =
      RunCommand({{"sh", "-c", "echo out; echo $X >&2; exit 5"}, {"X=told"}, {}, {}, {}});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->exit_code, 5);
  EXPECT_EQ(outcome->error_text, "told");
  EXPECT_EQ(RunCommand({{"sh", "-c", "kill -TERM $$"}, {}, {}, {}, {}})->exit_code, 128 + SIGTERM);
}

TEST(RunCommandTest, SaysWhenThereIsNoSuchProgram) {
  const Result<Outcome> outcome = RunCommand({{"veneer-no-such-program"}, {}, {}, {}, [] {
                                                setenv("PATH", "/usr/bin:/bin", 1);
                                                return Result<void>();
                                              }});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->exit_code, 127);
  EXPECT_EQ(outcome->error_text, "veneer-no-such-program: No such file or directory");
}

TEST(RunCommandTest, TheLogTellsTheArgumentsAndNoEnvironment) {
  SetLogLevel(LogLevel::kDebug);
  testing::internal::CaptureStderr();
  LogToStderr("test");
  const Result<Outcome> outcome =
      RunCommand({{"sh", "-c", "exit 3", "it's", ""}, {"X=secret"}, {}, {}, {}});
  const std::string log = testing::internal::GetCapturedStderr();
  SetLogLevel(LogLevel::kWarning);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(log,
            "test: debug: run: sh -c 'exit 3' 'it'\\''s' ''\n"
            "test: debug: sh ended with exit code 3\n");
}

TEST(RunCommandTest, PassesOnlyTheDescriptorsThatAreNamed) {
  const int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const std::string test = "test -e /proc/self/fd/" + std::to_string(kept) +
                           " && ! test -e /proc/self/fd/" + std::to_string(other);
  EXPECT_EQ(RunCommand({{"sh", "-c", test}, {}, {kept}, {}, {}})->exit_code, 0);
  close(kept);
  close(other);
}

TEST(RunCommandTest, APreparationThatFailsIsTheError) {
  const Result<Outcome> outcome =
      RunCommand({{"true"}, {}, {}, {}, [] { return MakeError("not today"); }});
  EXPECT_EQ(outcome->exit_code, 127);
  EXPECT_EQ(outcome->error_text, "not today");
}

TEST(RunCommandTest, GivesInputAndKeepsOutput) {
  Command command{{"cat"}, {}, {}, {}};
  command.input = std::string(300'000, 'x') + "end";
  command.keep_output = true;
  const Result<Outcome> outcome = RunCommand(command);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->output, *command.input);
  EXPECT_FALSE(outcome->timed_out);
}

TEST(RunCommandTest, AProgramNeedNotReadItsInput) {
  Command command{{"sh", "-c", "exec 0<&-; echo done; echo bad >&2"}, {}, {}, {}};
  command.input = std::string(300'000, 'x');
  command.keep_output = true;
  const Result<Outcome> outcome = RunCommand(command);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->output, "done\n");
  EXPECT_EQ(outcome->error_text, "bad");
}

TEST(RunCommandTest, KeepsTheBeginningOfAnOutputWithoutEnd) {
  Command command{{"head", "-c", "3000000", "/dev/zero"}, {}, {}, {}};
  command.keep_output = true;
  const Result<Outcome> outcome = RunCommand(command);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->output.size(), 1U << 20);
  EXPECT_EQ(outcome->exit_code, 0);
}

TEST(RunCommandTest, AProgramIsKilledAtTheEndOfItsTime) {
  Command command{{"sh", "-c", "echo begun; exec sleep 100"}, {}, {}, {}};
  command.keep_output = true;
  command.time_limit = std::chrono::milliseconds(200);
  const Result<Outcome> outcome = RunCommand(command);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->timed_out);
  EXPECT_EQ(outcome->exit_code, 128 + SIGKILL);
  EXPECT_EQ(outcome->output, "begun\n");
}

TEST(ChildrenTest, ListsTheLivingOnly) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  std::vector<pid_t> children = Children();
  EXPECT_NE(std::ranges::find(children, child), children.end());
  kill(child, SIGKILL);
  EXPECT_EQ(*WaitFor(child), 128 + SIGKILL);
  children = Children();
  EXPECT_EQ(std::ranges::find(children, child), children.end());
}

}  // namespace
}  // namespace veneer
