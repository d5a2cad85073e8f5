// SPDX-License-Identifier: Apache-2.0
//
// Sessions of a program with several threads, through the process that was forked off before.
#include "tools/run/session_host.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "tests/unit/run/session_fixture.h"
#include "tools/run/mount_stubs.h"
#include "tools/run/session_message.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class SessionHostTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    spec_.process.environment = {"PATH=/usr/bin:/bin"};
  }

  // A program with a host, which can be killed and can be in a user namespace: its exit code, and
  // what it failed of in error_.
  int Program(const std::function<std::string(SessionHost&)>& body) {
    const pid_t child = Spawn(body);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    error_ = Read(dir_ + "/err");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  pid_t Spawn(const std::function<std::string(SessionHost&)>& body) {
    const pid_t child = fork();
    if (child != 0) return child;
    dup2(open((dir_ + "/err").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), 2);
    if (IsOrdinaryUser() && !EnterUserNamespace()) _exit(99);
    std::string problem = "no host";
    if (auto host = SessionHost::Start()) problem = body(**host);
    dprintf(2, "%s", problem.c_str());
    _exit(problem.empty() ? 0 : 1);
  }

  SessionSpec Shell(const std::string& command) const {
    SessionSpec spec = spec_;
    spec.process.argv = {"sh", "-c", command};
    return spec;
  }

  bool NothingRuns(const std::string& seconds) {
    const std::string line = std::string("sleep\0", 6) + seconds + '\0';
    for (int i = 0; i < 1000; ++i) {
      bool found = MountStubs::Listed(spec_.stub_record);
      for (const auto& entry : fs::directory_iterator("/proc")) {
        found = found || Read(entry.path().string() + "/cmdline") == line;
      }
      if (!found) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

// The output of a session by a pipe, and how it ended.
std::string OutputOf(SessionHost& host, SessionSpec spec, Result<SessionEnd>* end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return "no pipe";
  const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  spec.process.stdin_fd = null.get();
  spec.process.stdout_fd = spec.process.stderr_fd = ends[1];
  std::string text;
  std::thread reader([&] {
    char buffer[4096];
    ssize_t n;
    while ((n = read(ends[0], buffer, sizeof(buffer))) > 0) text.append(buffer, n);
  });
  *end = host.Run(spec);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  return text;
}

TEST_F(SessionHostTest, OutputGoesThroughThePipeAndTheTerminalIsNobodys) {
  EXPECT_EQ(Program([&](SessionHost& host) -> std::string {
              Result<SessionEnd> end;
              const std::string text = OutputOf(
                  host,
                  Shell("echo out; echo err >&2; wc -c; echo \"[$TERM]\"; ls /proc/self/fd | wc -l;"
                        "(exec < /dev/tty) 2>/dev/null || echo no terminal; exit 7"),
                  &end);
              if (!end) return end.error().message();
              if (end->exit_code != 7 || !end->started) return "exit code";
              return text == "out\nerr\n0\n[]\n4\nno terminal\n" ? "" : text;
            }),
            0)
      << error_;
}

TEST_F(SessionHostTest, ACommandThatIsNotThereSaysSoInItsOutput) {
  EXPECT_EQ(Program([&](SessionHost& host) -> std::string {
              Result<SessionEnd> end;
              SessionSpec spec = spec_;
              spec.process.argv = {"no-such-command"};
              const std::string text = OutputOf(host, spec, &end);
              if (!end || end->exit_code != 127 || end->started) return "end";
              return text == "veneer: no-such-command: No such file or directory\n" ? "" : text;
            }),
            0)
      << error_;
}

TEST_F(SessionHostTest, WhatCannotBeTriedIsAnErrorWithItsCode) {
  EXPECT_EQ(Program([&](SessionHost& host) -> std::string {
              SessionSpec spec = Shell("true");
              spec.process.user = "nobody-here";
              const Result<SessionEnd> end = host.Run(spec);
              return end ? "ran" : end.error().message() + "|";
            }),
            1);
  EXPECT_EQ(error_, "no user 'nobody-here' in the image|");
}

TEST_F(SessionHostTest, ThreadsRunSessionsSideBySide) {
  EXPECT_EQ(Program([&](SessionHost& host) -> std::string {
              constexpr int kThreads = 8;
              std::atomic<int> good = 0;
              std::vector<std::thread> threads;
              for (int i = 0; i < kThreads; ++i) {
                threads.emplace_back([&, i] {
                  for (int round = 0; round < 4; ++round) {
                    const int code = 10 * i + round;
                    Result<SessionEnd> end;
                    const std::string text = OutputOf(
                        host, Shell("echo $((6 * 7)); exit " + std::to_string(code)), &end);
                    if (end && end->exit_code == code && text == "42\n") ++good;
                  }
                });
              }
              for (std::thread& thread : threads) thread.join();
              return good == kThreads * 4 ? "" : std::to_string(good.load());
            }),
            0)
      << error_;
}

TEST_F(SessionHostTest, ACancelledSessionHasEndedWhenRunReturns) {
  EXPECT_EQ(Program([&](SessionHost& host) -> std::string {
              Cancellation cancel;
              SessionSpec spec = Shell("trap '' TERM INT; echo ready; sleep 4343 & wait");
              spec.tmpfs = {{"/stub/of/it", 0, 0755}};
              const Fd out(open((dir_ + "/out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
              spec.process.stdout_fd = out.get();
              std::thread asker([&] {
                WaitForOutput("ready");
                cancel.Request();
              });
              const Result<SessionEnd> end = host.Run(spec, &cancel);
              asker.join();
              if (end || end.error().code() != ECANCELED) return "not cancelled";
              if (MountStubs::Listed(spec.stub_record)) return "stubs are left";
              return host.Run(spec, &cancel) ? "ran again" : "";
            }),
            0)
      << error_;
  EXPECT_TRUE(NothingRuns("4343"));
  EXPECT_FALSE(fs::exists(dir_ + "/root/stub"));
}

TEST_F(SessionHostTest, AKilledProgramTakesItsSessionsWithIt) {
  const pid_t child = Spawn([&](SessionHost& host) -> std::string {
    SessionSpec spec = Shell("echo ready; sleep 4444");
    const Fd out(open((dir_ + "/out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    spec.process.stdout_fd = out.get();
    return host.Run(spec) ? "" : "failed";
  });
  ASSERT_TRUE(WaitForOutput("ready"));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(NothingRuns("4444"));
  EXPECT_FALSE(fs::exists(dir_ + "/root/run"));
}

TEST(SessionMessageTest, ASpecComesBackWhole) {
  SessionSpec spec;
  spec.directory = "/tree\xff";
  spec.daemon = DaemonSpec{{"/l1", "/l2"}, "/o", "/u", "/w", "source", {"a=b"}};
  spec.stub_record = "/stubs";
  spec.binds = {{"/s", "/d", true}, {"/s2", "/d2", false}};
  spec.tmpfs = {{"/t", 1ULL << 40, 0700}};
  spec.read_only = true;
  spec.network = Network::kNone;
  spec.confinement = Confinement{true};
  spec.hostname = "name";
  spec.extra_hosts = {{"a", "::1"}};
  spec.shm_size = 7;
  spec.process.argv = {"sh", "", std::string("nul\0inside", 10)};
  spec.process.environment = {"A=b"};
  spec.process.user = "u:g";
  spec.process.working_dir = "/w";
  spec.process.make_working_dir = true;
  spec.process.ulimits = {{"core", 1, Ulimit::kUnlimited}};
  const std::string bytes = PackSpec(spec);
  const Result<SessionSpec> back = UnpackSpec(bytes);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(PackSpec(*back), bytes);
  EXPECT_EQ(back->directory, spec.directory);
  EXPECT_EQ(back->daemon->options, spec.daemon->options);
  EXPECT_EQ(back->binds, spec.binds);
  EXPECT_EQ(back->network, Network::kNone);
  EXPECT_TRUE(back->confinement->insecure);
  EXPECT_EQ(back->process.argv, spec.process.argv);
  EXPECT_EQ(back->process.ulimits, spec.process.ulimits);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(UnpackSpec(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(UnpackSpec(bytes + "x"));
}

TEST(SessionMessageTest, AnEndComesBackWhole) {
  Result<SessionEnd> end = SessionEnd{130, true, Error("lost", ExitCode::kInUse, EIO)};
  Result<SessionEnd> back = UnpackEnd(PackEnd(end));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->exit_code, 130);
  EXPECT_TRUE(back->started);
  EXPECT_EQ(back->error->message(), "lost");
  EXPECT_EQ(back->error->code(), EIO);
  back = UnpackEnd(PackEnd(
      tl::unexpected(Error("why", ExitCode::kNotFound).Because(Reason::kAccessDenied, "subject"))));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().message(), "why");
  EXPECT_EQ(back.error().exit(), ExitCode::kNotFound);
  EXPECT_EQ(back.error().reason(), Reason::kAccessDenied);
  EXPECT_EQ(back.error().subject(), "subject");
}

}  // namespace
}  // namespace veneer
