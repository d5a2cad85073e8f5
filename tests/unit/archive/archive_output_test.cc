// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/archive_output.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class ArchiveOutputTest : public TransferTest {
 protected:
  std::string Names() { return Shell("mkdir -p out; ls -A out"); }
  Result<std::unique_ptr<ArchiveOutput>> Open(const std::string& name) {
    fs::create_directories(Path("out"));
    return ArchiveOutput::ToFile(Path("out/" + name), &cancel_);
  }
  Cancellation cancel_;
};

TEST_F(ArchiveOutputTest, AFileIsThereWhenItIsWhole) {
  {
    const auto output = Open("a.tar");
    ASSERT_TRUE(output) << output.error().message();
    EXPECT_TRUE((*output)->Write("one "));
    Write("more", "two and more");
    const Fd more(::open(Path("more").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE((*output)->WriteFrom(more.get(), 3));
    EXPECT_FALSE(fs::exists(Path("out/a.tar")));
    EXPECT_TRUE((*output)->Commit());
  }
  EXPECT_EQ(Names(), "a.tar\n");
  EXPECT_EQ(Read("out/a.tar"), "one two");
}

// Whatever ends this process.
TEST_F(ArchiveOutputTest, NothingIsThereBeforeItIsWhole) {
  const auto output = Open("a.tar");
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_TRUE((*output)->Write(std::string(100'000, 'x')));
  EXPECT_EQ(Names(), "");
  Write("out/a.tar", "of somebody else, made meanwhile");
  EXPECT_TRUE((*output)->Commit());
  EXPECT_EQ(Shell("ls -A out; stat -c '%s %a' out/a.tar"), "a.tar\n100000 600\n");
}

TEST_F(ArchiveOutputTest, WithoutACommitWhatWasThereStays) {
  fs::create_directories(Path("out"));
  Write("out/a.tar", "before");
  {
    const auto output = Open("a.tar");
    EXPECT_TRUE((*output)->Write("half"));
  }
  EXPECT_EQ(Names(), "a.tar\n");
  EXPECT_EQ(Read("out/a.tar"), "before");
}

TEST_F(ArchiveOutputTest, IsForItsOwnerAloneAndASymlinkStays) {
  fs::create_directories(Path("out"));
  Write("target", "before");
  ::chmod(Path("target").c_str(), 0644);
  fs::create_symlink("../target", Path("out/link"));
  const auto output = Open("link");
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_TRUE((*output)->Write("after"));
  EXPECT_TRUE((*output)->Commit());
  EXPECT_EQ(Shell("readlink out/link; stat -c %a target; cat target"), "../target\n600\nafter");
}

TEST_F(ArchiveOutputTest, AFifoIsWrittenToDirectly) {
  Shell("mkdir out; mkfifo out/fifo; (cat out/fifo > got) > /dev/null 2>&1 &");
  {
    const auto output = Open("fifo");
    ASSERT_TRUE(output) << output.error().message();
    EXPECT_TRUE((*output)->Write("through"));
    EXPECT_TRUE((*output)->Commit());
  }
  EXPECT_EQ(
      Shell("for i in $(seq 100); do [ -s got ] && break; sleep 0.05; done; cat got; ls -A out"),
      "throughfifo\n");
}

TEST_F(ArchiveOutputTest, RefusesDirectoriesAndTerminals) {
  fs::create_directories(Path("out/dir"));
  for (const char* name : {"dir", "dir/", "new/"}) {
    const auto output = Open(name);
    ASSERT_FALSE(output) << name;
    EXPECT_EQ(output.error().exit(), ExitCode::kUsage) << output.error().message();
  }
  const auto missing = Open("no/such/folder");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("No such file"), std::string::npos);
  int master = -1, terminal = -1;
  ASSERT_EQ(::openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
  const auto output = ArchiveOutput::ToDescriptor(terminal, "standard output", nullptr);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().exit(), ExitCode::kUsage);
  EXPECT_NE(output.error().message().find("standard output is a terminal"), std::string::npos);
  ::close(master);
  ::close(terminal);
}

TEST_F(ArchiveOutputTest, EndsWhenAsked) {
  const auto output = Open("a.tar");
  EXPECT_TRUE((*output)->Write("one"));
  cancel_.Request();
  const Result<void> written = (*output)->Write("two");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ECANCELED);
  EXPECT_FALSE((*output)->Commit());
  EXPECT_FALSE(fs::exists(Path("out/a.tar")));
}

}  // namespace
}  // namespace veneer
