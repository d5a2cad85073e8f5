// SPDX-License-Identifier: Apache-2.0
//
// The classic form, lines of JSON, no form at all, and how one of them is chosen.
#include "tools/build/build_progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "layerdb/base/fd.h"
#include "tests/unit/build/progress_fixture.h"
#include "tools/format/json.h"

namespace veneer {
namespace {

Digest Image(const std::string& digits) {
  return *Digest::FromHex(digits + std::string(64 - digits.size(), '0'));
}

const std::string kContainer = "eef684261b44" + std::string(52, '1');

TEST(ClassicProgress, WritesTheLinesOfDocker) {  // B11
  ProgressRecord record;
  const auto progress = MakeClassicProgress(record.Sink());
  progress->End(progress->Begin(OwnStep("[internal] load build definition")), false, {});
  const size_t from = progress->Begin(StageStep("", 1, 4, "FROM bb", 1, 4));
  progress->End(from, false, Image("6d71dba39d28"));
  const size_t run = progress->Begin(StageStep("", 2, 4, "RUN echo hi", 2, 4));
  progress->RunningIn(run, kContainer);
  progress->Output(run, "hi\n", false);
  progress->Output(run, "part", true);
  progress->End(run, false, Image("d06018eab1a3"));
  const size_t env = progress->Begin(StageStep("", 3, 4, "ENV A=1", 3, 4));
  progress->End(env, true, Image("fefdbcb97339"));
  const size_t cmd = progress->Begin(StageStep("", 4, 4, "CMD [\"a\", \"b\"]", 4, 4));
  progress->End(cmd, false, Image("ada88df9549a"));
  progress->Finish({.failed = false, .image = Image("ada88df9549a"), .names = {"h:latest", "h:2"}});
  EXPECT_EQ(record.Take(), R"(Step 1/4 : FROM bb
 ---> 6d71dba39d28
Step 2/4 : RUN echo hi
 ---> Running in eef684261b44
hi
part
Removing intermediate container eef684261b44
 ---> d06018eab1a3
Step 3/4 : ENV A=1
 ---> Using cache
 ---> fefdbcb97339
Step 4/4 : CMD ["a", "b"]
 ---> ada88df9549a
Successfully built ada88df9549a
Successfully tagged h:latest
Successfully tagged h:2
)");
}

TEST(ClassicProgress, StepsComeInTheirOrderThoughStagesRunSideBySide) {
  ProgressRecord record;
  const auto progress = MakeClassicProgress(record.Sink());
  const size_t third = progress->Begin(StageStep("b", 1, 2, "FROM b", 3, 4));
  progress->End(third, false, Image("3"));
  const size_t fourth = progress->Begin(StageStep("b", 2, 2, "RUN 4", 4, 4));
  progress->Output(fourth, "4a\n", false);
  EXPECT_EQ(record.Take(), "");
  const size_t first = progress->Begin(StageStep("a", 1, 2, "FROM a", 1, 4));
  EXPECT_EQ(record.Take(), "Step 1/4 : FROM a\n");
  progress->End(first, false, {});
  const size_t second = progress->Begin(StageStep("a", 2, 2, "RUN 2", 2, 4));
  progress->Output(second, "2\n", false);
  EXPECT_EQ(record.Take(), "Step 2/4 : RUN 2\n2\n");
  progress->End(second, false, {});
  EXPECT_EQ(record.Take(), "Step 3/4 : FROM b\n ---> 300000000000\nStep 4/4 : RUN 4\n4a\n");
  progress->Output(fourth, "4b\n", false);
  EXPECT_EQ(record.Take(), "4b\n");
  progress->End(fourth, false, {});
}

TEST(ClassicProgress, AfterAFailureWhatWasSaidIsWritten) {
  ProgressRecord record;
  const auto progress = MakeClassicProgress(record.Sink());
  const size_t second = progress->Begin(StageStep("b", 1, 1, "RUN 2", 2, 2));
  progress->Output(second, "2", false);
  progress->Fail(second, Error("no"));
  progress->Warn("an argument is not used");
  progress->Finish({.failed = true, .image = {}, .names = {"never"}});
  EXPECT_EQ(record.Take(), "[Warning] an argument is not used\nStep 2/2 : RUN 2\n2\n");
}

TEST(JsonProgress, WritesAnEventInEachLine) {
  ProgressRecord record;
  int second = 0;
  const auto progress = MakeJsonProgress(
      record.Sink(), [&] { return "2024-01-01T00:00:0" + std::to_string(second++) + "Z"; });
  const size_t run = progress->Begin(StageStep("a", 1, 2, "RUN x"));
  progress->Output(run, "\x1b[1mhi\xff\n", true);
  progress->Status(run, "writing image");
  progress->Warn("careful");
  progress->End(run, true, {});
  const size_t bad = progress->Begin(StageStep("a", 2, 2, "RUN x"));
  progress->Fail(bad, Cancelled());
  progress->Finish({});
  std::string text = record.Take();
  std::vector<Json> lines;
  for (size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
    lines.push_back(Json::parse(text.substr(0, end)));
  ASSERT_EQ(lines.size(), 7U);
  const Json& begin = lines[0]["vertexes"][0];
  EXPECT_EQ(begin["name"], "[a 1/2] RUN x");
  EXPECT_EQ(begin["started"], "2024-01-01T00:00:00Z");
  EXPECT_TRUE(Digest::Parse(begin["digest"].get<std::string>()).has_value());
  EXPECT_EQ(lines[1]["logs"][0], (Json{{"vertex", begin["digest"]},
                                       {"stream", 2},
                                       {"data", "G1sxbWhp/wo="},
                                       {"timestamp", "2024-01-01T00:00:01Z"}}));
  EXPECT_EQ(lines[2]["statuses"][0]["id"], "writing image");
  EXPECT_EQ(lines[3]["warnings"][0]["short"], "Y2FyZWZ1bA==");
  EXPECT_EQ(lines[4]["vertexes"][0]["digest"], begin["digest"]);
  EXPECT_EQ(lines[4]["vertexes"][0]["completed"], "2024-01-01T00:00:03Z");
  EXPECT_EQ(lines[4]["vertexes"][0]["cached"], true);
  EXPECT_NE(lines[5]["vertexes"][0]["digest"], begin["digest"]);
  EXPECT_EQ(lines[6]["vertexes"][0]["error"], "context canceled");
}

TEST(QuietProgress, ShowsTheOutputOfAFailureAlone) {
  ProgressRecord record;
  const auto progress = MakeQuietProgress(record.Sink());
  const size_t good = progress->Begin(StageStep("", 1, 2, "RUN good"));
  progress->Output(good, "fine\n", false);
  progress->End(good, false, {});
  const size_t bad = progress->Begin(StageStep("", 2, 2, "RUN bad"));
  progress->Output(bad, "\x1b[1mno", false);
  progress->Warn("careful");
  EXPECT_EQ(record.Take(), "");
  progress->Fail(bad, Error("exit code: 1"));
  EXPECT_EQ(record.Take(), "------\n > [2/2] RUN bad:\nno\n------\n");
}

// What a form writes to the two descriptors of a pipe.
struct Pipes {
  Fd output_end;
  Fd output;
  Fd error_end;
  Fd error;

  static void Open(Fd* end, Fd* fd) {
    std::array<int, 2> both = {};
    ASSERT_EQ(::pipe2(both.data(), O_CLOEXEC), 0);
    *end = Fd(both[0]);
    *fd = Fd(both[1]);
  }
  Pipes() {
    Open(&output_end, &output);
    Open(&error_end, &error);
  }
  static std::string Read(const Fd& end) {
    std::array<char, 4096> bytes = {};
    EXPECT_EQ(::fcntl(end.get(), F_SETFL, O_NONBLOCK), 0);
    const ssize_t size = ::read(end.get(), bytes.data(), bytes.size());
    return size <= 0 ? "" : std::string(bytes.data(), static_cast<size_t>(size));
  }
};

std::pair<std::string, std::string> Written(const std::string& mode, bool quiet) {
  const Pipes pipes;
  auto progress = MakeBuildProgress(mode, quiet, pipes.output.get(), pipes.error.get());
  if (!progress) {
    EXPECT_EQ(progress.error().exit(), ExitCode::kUsage);
    return {"!", progress.error().message()};
  }
  const size_t step = (*progress)->Begin(StageStep("", 1, 1, "FROM bb", 1, 1));
  (*progress)->End(step, true, {});
  (*progress)->Finish({});
  progress->reset();
  return {Pipes::Read(pipes.output_end), Pipes::Read(pipes.error_end)};
}

TEST(MakeBuildProgress, ClassicGoesToTheOutputAndAllOthersToTheErrors) {
  using Both = std::pair<std::string, std::string>;
  EXPECT_EQ(Written("auto", false), Both("", "#1 [1/1] FROM bb\n#1 CACHED\n"));
  EXPECT_EQ(Written("plain", false), Both("", "#1 [1/1] FROM bb\n#1 CACHED\n"));
  EXPECT_EQ(Written("classic", false), Both("Step 1/1 : FROM bb\n ---> Using cache\n", ""));
  EXPECT_EQ(Written("quiet", false), Both("", ""));
  EXPECT_EQ(Written("plain", true), Both("", ""));
  EXPECT_EQ(Written("rawjson", false).second.substr(0, 13), "{\"vertexes\":[");
  EXPECT_EQ(Written("tty", false).first, "!");
  EXPECT_EQ(Written("fancy", true).first, "!");
}

TEST(MakeBuildProgress, ManyThreadsTellOfTheirSteps) {
  for (const char* mode : {"plain", "classic", "rawjson", "quiet"}) {
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    auto progress = MakeBuildProgress(mode, false, null.get(), null.get());
    ASSERT_TRUE(progress.has_value());
    std::vector<std::thread> threads;
    for (size_t i = 1; i <= 4; ++i) {
      threads.emplace_back([&, i] {
        const size_t step = (*progress)->Begin(StageStep("s", i, 4, "RUN", i, 4));
        for (int line = 0; line < 100; ++line) (*progress)->Output(step, "a\nb", false);
        (*progress)->End(step, false, {});
      });
    }
    for (std::thread& thread : threads) thread.join();
    (*progress)->Finish({});
  }
}

}  // namespace
}  // namespace veneer
