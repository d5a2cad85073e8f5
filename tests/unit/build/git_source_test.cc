// SPDX-License-Identifier: Apache-2.0
//
// Repositories of this machine's git, by file:// and by a web server of plain files.
#include "tools/build/git_source.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "tests/unit/build/source_fixture.h"
#include "tests/unit/build/web_server.h"
#include "tools/build/build_context.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int64_t kCommitTime = 1'000'000'000;

class GitSourceTest : public SourceFixture {
 protected:
  GitSourceTest() {
    // Nothing of whoever runs the test.
    Write(dir_ + "/gitconfig",
          "[user]\n\tname = a\n\temail = a@b\n[init]\n\tdefaultBranch = main\n");
    ::setenv("GIT_CONFIG_GLOBAL", (dir_ + "/gitconfig").c_str(), 1);
    ::setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    const std::string date = std::to_string(kCommitTime) + " +0000";
    ::setenv("GIT_AUTHOR_DATE", date.c_str(), 1);
    ::setenv("GIT_COMMITTER_DATE", date.c_str(), 1);
    Shell("git init -q from");
  }
  ~GitSourceTest() override {
    for (const char* name :
         {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"}) {
      ::unsetenv(name);
    }
  }

  // Gives what the command prints, without the last newline.
  std::string Shell(const std::string& command) const {
    const std::string line = "cd " + dir_ + " && { " + command + "; } > output";
    EXPECT_EQ(std::system(line.c_str()), 0) << command;
    return ReadAll(dir_ + "/output");
  }
  static std::string ReadAll(const std::string& path) {
    std::ifstream in(path);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }
  // Makes a commit of a file, and gives its digits.
  std::string Commit(const std::string& name, const std::string& text) const {
    Write(From(name), text);
    return Shell("cd from; git add -A; git commit -qm x; git rev-parse HEAD");
  }
  Result<GitClone> Clone(const std::string& fragment = "",
                         const std::optional<std::string>& checksum = {}, bool keep = false) const {
    return CloneUrl("file://" + dir_ + "/from" + fragment, checksum, keep);
  }
  Result<GitClone> CloneUrl(const std::string& url, const std::optional<std::string>& checksum = {},
                            bool keep = false) const {
    const auto parsed = ParseGitUrl(url);
    EXPECT_TRUE(parsed && *parsed) << url;
    GitRequest request;
    request.url = **parsed;
    request.directory = dir_;
    request.checksum = checksum;
    request.keep_git_dir = keep;
    return CloneGit(request);
  }
  // The text of a file of a clone, or why there is none.
  static std::string TextIn(const Result<GitClone>& clone, const std::string& name) {
    return clone ? ReadAll(clone->path + "/" + name) : clone.error().message();
  }
  // The answers of a web server for the bare repository `name` of the directory.
  void Serve(const std::string& name, std::map<std::string, std::string>* answers) const {
    Shell("git clone -q --bare " + name + " " + name + ".git; git -C " + name +
          ".git update-server-info");
    for (const auto& entry : fs::recursive_directory_iterator(dir_ + "/" + name + ".git")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      const std::string path = entry.path().string().substr(dir_.size());
      (*answers)[path] = "A: b\r\n\r\n" + text;
      if (path.ends_with("/info/refs"))
        (*answers)[path + "?service=git-upload-pack"] = "A: b\r\n\r\n" + text;
    }
  }
};

TEST_F(GitSourceTest, TheDefaultBranchWithoutItsHistory) {
  Commit("file", "old");
  const std::string commit = Commit("file", "new");
  const auto clone = Clone();
  ASSERT_TRUE(clone) << clone.error().message();
  EXPECT_EQ(clone->commit, commit);
  EXPECT_EQ(TextIn(clone, "file"), "new");
  EXPECT_FALSE(fs::exists(clone->path + "/.git"));
}

TEST_F(GitSourceTest, ABranchATagOrACommit) {
  const std::string first = Commit("file", "first");
  Shell("cd from; git tag -am x v1; git checkout -qb other");
  const std::string second = Commit("file", "second");
  Shell("cd from; git checkout -q main");
  Commit("file", "third");
  EXPECT_EQ(TextIn(Clone(), "file"), "third");
  EXPECT_EQ(TextIn(Clone("#v1"), "file"), "first");
  EXPECT_EQ(Clone("#v1")->commit, first);
  EXPECT_EQ(TextIn(Clone("#other"), "file"), "second");
  EXPECT_EQ(TextIn(Clone("?branch=other"), "file"), "second");
  EXPECT_EQ(TextIn(Clone("#" + first), "file"), "first");
  EXPECT_EQ(TextIn(Clone("#" + second.substr(0, 8)), "file"), "second");
  EXPECT_EQ(TextIn(Clone("#refs/tags/v1"), "file"), "first");
  EXPECT_THAT(TextIn(Clone("#none"), ""), HasSubstr("couldn't find remote ref none"));
  EXPECT_THAT(TextIn(Clone("?tag=other"), ""), HasSubstr("couldn't find remote ref"));
}

TEST_F(GitSourceTest, ADirectoryOfARepositoryStaysInIt) {
  fs::create_directories(From("a/b"));
  Write(Below("secret"), "s");
  Write(From("a/b/file"), "text");
  fs::create_symlink("a/b", From("inside"));
  fs::create_symlink("../below", From("outside"));
  fs::create_symlink(dir_ + "/below", From("absolute"));
  Commit("top", "x");
  EXPECT_EQ(TextIn(Clone("#:a/b"), "file"), "text");
  EXPECT_EQ(TextIn(Clone("#main:inside"), "file"), "text");
  EXPECT_THAT(TextIn(Clone("#:absolute"), ""), HasSubstr("leaves the repository by a symlink"));
  EXPECT_THAT(TextIn(Clone("#:outside"), ""), HasSubstr("leaves the repository by a symlink"));
  EXPECT_THAT(TextIn(Clone("#:none"), ""), HasSubstr("\"none\": No such file or directory"));
  EXPECT_THAT(TextIn(Clone("#:top"), ""), HasSubstr("is no directory"));
}

TEST_F(GitSourceTest, AnotherCommitThanTheChecksumIsAnError) {
  const std::string commit = Commit("file", "text");
  const std::string tag = Shell("cd from; git tag -am x v1; git rev-parse v1");
  EXPECT_TRUE(Clone("", commit));
  EXPECT_TRUE(Clone("", commit.substr(0, 7)));
  EXPECT_TRUE(Clone("#v1", tag));
  EXPECT_TRUE(Clone("?checksum=" + commit));
  const std::string other(40, 'a');
  EXPECT_THAT(TextIn(Clone("", other), ""), HasSubstr(commit + " and not " + other));
  EXPECT_THAT(TextIn(Clone("?checksum=" + other), ""), HasSubstr("and not " + other));
  for (const char* checksum : {"", "abc", "sha256:abcdef1", "xyzxyzxyz"}) {
    EXPECT_THAT(TextIn(Clone("", checksum), ""), HasSubstr("is no commit")) << checksum;
  }
}

TEST_F(GitSourceTest, TheSameCommitGivesTheSameTimesAndModes) {
  fs::create_directories(From("d"));
  fs::create_symlink("file", From("d/link"));
  Commit("file", "text");
  const mode_t before = ::umask(077);
  const auto clone = Clone();
  ::umask(before);
  ASSERT_TRUE(clone) << clone.error().message();
  struct stat st = {};
  for (const char* name : {"/d", "/d/link", "/file", ""}) {
    ASSERT_EQ(::lstat((clone->path + name).c_str(), &st), 0);
    EXPECT_EQ(st.st_mtim.tv_sec, kCommitTime) << name;
  }
  ASSERT_EQ(::lstat((clone->path + "/file").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0644U);
}

TEST_F(GitSourceTest, GitDirectoryIsKeptWhereThatIsAsked) {
  const std::string commit = Commit("file", "text");
  const auto clone = Clone("", {}, true);
  ASSERT_TRUE(clone) << clone.error().message();
  EXPECT_EQ(Shell("git -C " + clone->path + " rev-parse HEAD"), commit);
  const auto secret = CloneUrl("https://user:secret@127.0.0.1:1/p.git", {}, true);
  EXPECT_THAT(TextIn(secret, ""), HasSubstr("the password of its URL would stay"));
  EXPECT_THAT(TextIn(secret, ""), testing::Not(HasSubstr("secret@")));
}

TEST_F(GitSourceTest, NoHookAndNoVariableOfTheCallerCounts) {
  Commit("file", "text");
  fs::create_directories(dir_ + "/hooks");
  Write(dir_ + "/hooks/post-checkout", "#!/bin/sh\ntouch " + dir_ + "/ran\n", 0755);
  fs::create_directories(dir_ + "/template/hooks");
  fs::copy(dir_ + "/hooks/post-checkout", dir_ + "/template/hooks/post-checkout");
  Shell("git config --global core.hooksPath " + dir_ + "/hooks; git config --global " +
        "init.templateDir " + dir_ + "/template");
  ::setenv("GIT_DIR", (dir_ + "/elsewhere").c_str(), 1);
  ::setenv("GIT_INDEX_FILE", (dir_ + "/index").c_str(), 1);
  const auto clone = Clone();
  ::unsetenv("GIT_DIR");
  ::unsetenv("GIT_INDEX_FILE");
  EXPECT_EQ(TextIn(clone, "file"), "text");
  EXPECT_FALSE(fs::exists(dir_ + "/ran"));
  EXPECT_FALSE(fs::exists(dir_ + "/index"));
}

TEST_F(GitSourceTest, ASubmoduleIsNoPathOfThisMachine) {
  Shell("git init -q sub; cd sub; echo s > file; git add -A; git commit -qm x");
  Shell("cd from; git -c protocol.file.allow=always submodule -q add " + dir_ + "/sub sub");
  Commit("file", "text");
  EXPECT_THAT(TextIn(Clone(), "file"), HasSubstr("transport 'file' not allowed"));
}

TEST_F(GitSourceTest, AServerOfPlainFilesGivesSubmodulesToo) {
  Shell("git init -q sub; cd sub; echo s > file; git add -A; git commit -qm x");
  Shell(
      "cd from; git -c protocol.file.allow=always submodule -q add ../sub sub 2>/dev/null || "
      "git -c protocol.file.allow=always submodule -q add " +
      dir_ + "/sub sub");
  Shell("cd from; git config -f .gitmodules submodule.sub.url ../sub.git");
  const std::string commit = Commit("file", "text");
  Commit("file", "later");
  std::map<std::string, std::string> answers;
  Serve("from", &answers);
  Serve("sub", &answers);
  const WebServer server(answers);
  const auto clone = CloneUrl(server.url() + "/from.git");
  EXPECT_EQ(TextIn(clone, "file"), "later");
  EXPECT_EQ(TextIn(clone, "sub/file"), "s");
  EXPECT_FALSE(fs::exists(clone->path + "/sub/.git"));
  EXPECT_EQ(TextIn(CloneUrl(server.url() + "/from.git#" + commit), "file"), "text");
  const std::string host = server.url().substr(7);
  const auto none = CloneUrl("http://user:secret@" + host + "/none.git");
  EXPECT_THAT(TextIn(none, ""), testing::StartsWith(server.url() + "/none.git: "));
  EXPECT_THAT(TextIn(none, ""), testing::Not(HasSubstr("secret")));
}

TEST_F(GitSourceTest, AMissingGitIsNamed) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (dir_ + "/none").c_str(), 1);
  const auto clone = Clone();
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(TextIn(clone, ""), HasSubstr("the program git is needed"));
}

TEST_F(GitSourceTest, ARepositoryIsAContext) {
  fs::create_directories(From("sub"));
  Write(From("sub/Dockerfile"), "FROM a\n");
  Write(From(".dockerignore"), "x\n");
  Commit("Dockerfile", "FROM b\n");
  const auto store = *Store::Open(dir_ + "/store");
  const auto writer = *store->Begin();
  ContextRequest request;
  request.context = "file://" + dir_ + "/from";
  auto context = BuildContext::Open(*store, *writer, request);
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_EQ((*context)->text(), "FROM b\n");
  EXPECT_TRUE((*context)->ignored().empty());
  EXPECT_NE(*(*context)->OpenTree(), nullptr);
  request.file = "sub/Dockerfile";
  EXPECT_EQ((*BuildContext::Open(*store, *writer, request))->text(), "FROM a\n");
  request.file = {};
  request.context += "#:sub";
  EXPECT_EQ((*BuildContext::Open(*store, *writer, request))->text(), "FROM a\n");
  context->reset();
  for (const auto& left : fs::directory_iterator(writer->dir())) {
    EXPECT_FALSE(left.path().filename().string().starts_with("tmp")) << left;
  }
}

// What a stranger's Dockerfile must not have of whoever builds it.
TEST_F(GitSourceTest, ADockerfileTakesNoRepositoryOfThisMachine) {
  Commit("file", "secret");
  GitRequest request{**ParseGitUrl("file://" + dir_ + "/from"), dir_, {}, false, true, {}, {}};
  const auto clone = CloneGit(request);
  ASSERT_FALSE(clone);
  EXPECT_NE(clone.error().message().find("no repository of this machine"), std::string::npos);
}

TEST_F(GitSourceTest, ADockerfileUsesNoPasswordOfTheCaller) {
  Write(dir_ + "/with-helper", "[credential]\n helper = \"!f() { touch " + dir_ +
                                   "/asked; echo username=u; echo "
                                   "password=p; }; f\"\n");
  ::setenv("GIT_CONFIG_GLOBAL", (dir_ + "/with-helper").c_str(), 1);
  const std::map<std::string, std::string> answers = {
      {"/x.git/info/refs?service=git-upload-pack", "401 Unauthorized"}};
  const WebServer server(answers);
  GitRequest request{**ParseGitUrl(server.url() + "/x.git"), dir_, {}, false, true, {}, {}};
  EXPECT_FALSE(CloneGit(request));
  EXPECT_FALSE(fs::exists(dir_ + "/asked"));
  request.of_dockerfile = false;
  EXPECT_FALSE(CloneGit(request));
  EXPECT_TRUE(fs::exists(dir_ + "/asked")) << "the caller's own URL has their helper";
}

TEST_F(GitSourceTest, ADockerfileHasNoAgentButTheOneThatTheCallerNames) {
  fs::create_directory(dir_ + "/bin");
  Write(dir_ + "/bin/ssh",
        "#!/bin/sh\necho \"[$SSH_AUTH_SOCK] $HOME $*\" > " + dir_ + "/ssh\nexit 1\n");
  fs::permissions(dir_ + "/bin/ssh", fs::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (dir_ + "/bin:" + path).c_str(), 1);
  ::setenv("SSH_AUTH_SOCK", "/the/caller", 1);
  for (const std::string agent : {"", "/named"}) {
    GitRequest request{**ParseGitUrl("git@127.0.0.1:x.git"), dir_, {}, false, true, agent, {}};
    EXPECT_FALSE(CloneGit(request));
    const std::string said = ReadAll(dir_ + "/ssh");
    EXPECT_TRUE(said.starts_with("[" + agent + "] /nonexistent ")) << said;
    EXPECT_NE(said.find("IdentityFile=none"), std::string::npos) << said;
  }
  ::setenv("PATH", path.c_str(), 1);
  ::unsetenv("SSH_AUTH_SOCK");
}

}  // namespace
}  // namespace veneer
