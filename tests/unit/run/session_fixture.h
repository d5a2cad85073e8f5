// SPDX-License-Identifier: Apache-2.0
//
// Sessions in a plain directory that shows the host's /usr: everything but the FUSE mount. They
// need new mount and pid namespaces: as root, or in a user namespace.
#ifndef VENEER_TESTS_UNIT_RUN_SESSION_FIXTURE_H_
#define VENEER_TESTS_UNIT_RUN_SESSION_FIXTURE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tools/run/session.h"
#include "tools/run/user_namespace.h"

namespace veneer {

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = MakeTempDirIn("/tmp", "session");
    ASSERT_FALSE(dir_.empty());
    chmod(dir_.c_str(), 0755);
    const std::string root = dir_ + "/root";
    std::filesystem::create_directories(root + "/etc");
    for (const char* link : {"bin", "sbin", "lib", "lib64"}) {
      if (std::filesystem::exists("/" + std::string(link)))
        std::filesystem::create_symlink("usr/" + std::string(link), root + "/" + link);
    }
    std::ofstream(root + "/etc/passwd")
        << "root:x:0:0::/root:/bin/sh\nother:x:1234:1235::/home/other:/bin/sh\n";
    std::ofstream(root + "/etc/group") << "extra:x:77:other\n";
    spec_.directory = root;
    spec_.binds = {{"/usr", "/usr", true}};
    spec_.stub_record = dir_ + "/stubs";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // Runs a shell command in the session and returns its exit code; its output is in output_. Errors
  // of the session itself are in error_, with code -1.
  int Run(const std::string& command) {
    spec_.process.argv = {"sh", "-c", command};
    return RunSpec();
  }

  int RunSpec() {
    const std::string out = dir_ + "/out";
    const std::string err = dir_ + "/err";
    const pid_t child = Start(out, err);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    output_ = Read(out);
    error_ = Read(err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // Calls RunSession() in a process of its own, because a session must begin in one with a single
  // thread, and a user namespace cannot be left.
  pid_t Start(const std::string& out, const std::string& err) {
    const pid_t child = fork();
    if (child != 0) return child;
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), 1);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), 2);
    setsid();  // no terminal
    if (IsOrdinaryUser() && !EnterUserNamespace()) _exit(99);
    const Result<SessionEnd> end = RunSession(spec_);
    if (!end) dprintf(2, "%s", end.error().message().c_str());
    if (end && end->started != (end->exit_code != 126 && end->exit_code != 127)) _exit(97);
    _exit(end ? end->exit_code : 98);
  }

  std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  bool WaitForOutput(const std::string& wanted) {
    for (int i = 0; i < 1000; ++i) {
      if (Read(dir_ + "/out").find(wanted) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // Names in the tree, to see what a session leaves.
  std::vector<std::string> Tree() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/root"))
      names.push_back(entry.path());
    std::ranges::sort(names);
    return names;
  }

  std::string dir_;
  SessionSpec spec_;
  std::string output_;
  std::string error_;
};

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_RUN_SESSION_FIXTURE_H_
