// SPDX-License-Identifier: Apache-2.0
//
// base: hashes and digests, errors, the descriptor cache, and data copies that keep holes.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>

#include "layerdb/base/digest.h"
#include "layerdb/base/fd_cache.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/base/refuse_system_call.h"

namespace veneer {
namespace {

TEST(HashTest, KnownValues) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Xxh128("")), "99aa06d3014798d86001c324468d497f");
  Xxh128Stream stream;
  stream.Update("ab");
  stream.Update("c");
  EXPECT_EQ(stream.Finish(), Xxh128("abc"));
}

TEST(DigestTest, OnlyTheExactFormIsADigest) {
  const std::string hex(64, 'a');
  EXPECT_TRUE(Digest::Parse("sha256:" + hex).has_value());
  for (const std::string& bad :
       {"sha256:../../" + hex.substr(6), "sha256:" + hex.substr(1), "sha256:" + hex + "a",
        "sha512:" + hex, "SHA256:" + hex, "sha256:" + std::string(64, 'A'), hex, std::string()}) {
    EXPECT_FALSE(Digest::Parse(bad).has_value()) << bad;
  }
}

TEST(DigestTest, ChainIdOfTheFirstLayerIsItsDiffId) {
  const Digest a = Digest::OfBytes("a");
  const Digest b = Digest::OfBytes("b");
  EXPECT_EQ(ChainId(std::nullopt, a), a);
  EXPECT_EQ(ChainId(a, b), Digest::OfBytes(a.ToString() + " " + b.ToString()));
}

TEST(ErrorTest, ContextComesFirstAndTheErrnoStays) {
  const auto failed = MakeError(Errno{ENOENT}, "open x");
  Error error = failed.value();
  EXPECT_EQ(error.message(), "open x: No such file or directory");
  EXPECT_EQ(error.code(), ENOENT);
  error = std::move(error).Context("import y");
  EXPECT_EQ(error.message(), "import y: open x: No such file or directory");
}

Fd TempFile() {
  Fd fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  EXPECT_TRUE(fd);
  return fd;
}

TEST(FdCacheTest, StaysWithinItsBoundAndEvictedDescriptorsLiveWhileUsed) {
  FdCache cache(8);
  std::vector<SharedFd> held;
  for (uint64_t key = 0; key < 100; ++key) held.push_back(cache.Put(key, TempFile()));
  size_t kept = 0;
  for (uint64_t key = 0; key < 100; ++key) kept += cache.Get(key) != nullptr;
  EXPECT_LE(kept, 8U);
  EXPECT_GE(kept, 1U);
  for (const SharedFd& fd : held) EXPECT_TRUE(sys::Stat({fd->get()}).has_value());
}

TEST(FdCacheTest, PutReplacesAndEraseForgets) {
  FdCache cache(64);
  const SharedFd first = cache.Put(1, TempFile());
  const SharedFd second = cache.Put(1, TempFile());
  EXPECT_EQ(cache.Get(1), second);
  EXPECT_NE(first, second);
  cache.Erase(1);
  EXPECT_EQ(cache.Get(1), nullptr);
}

TEST(CopyDataTest, HolesStayHoles) {
  const Fd from = TempFile();
  const Fd to = TempFile();
  ASSERT_TRUE(sys::WriteAt(from.get(), "begin", 0));
  ASSERT_TRUE(sys::WriteAt(from.get(), "middle", 5 << 20));
  ASSERT_TRUE(sys::Truncate(from.get(), 16 << 20));
  ASSERT_TRUE(sys::CopyData(from.get(), to.get(), 16 << 20));
  const auto st = sys::Stat({to.get()});
  EXPECT_EQ(st->st_size, 16 << 20);
  EXPECT_LT(st->st_blocks * 512, 1 << 20);
  char text[7] = {};
  ASSERT_TRUE(sys::ReadAt(to.get(), text, 6, 5 << 20));
  EXPECT_STREQ(text, "middle");
}

TEST(CopyDataTest, SmallFilesKeepTheirSize) {
  const std::string zeros(5000, 0);
  for (const std::string& text : {std::string("text"), zeros, zeros + "x", "x" + zeros}) {
    const Fd from = TempFile();
    const Fd to = TempFile();
    ASSERT_TRUE(sys::WriteAt(from.get(), text, 0));
    ASSERT_TRUE(sys::CopyData(from.get(), to.get(), text.size()));
    std::string copy(text.size() + 1, '-');
    ASSERT_EQ(*sys::ReadAt(to.get(), copy.data(), copy.size(), 0), text.size());
    EXPECT_EQ(copy.substr(0, text.size()), text);
    EXPECT_EQ(sys::Stat({to.get()})->st_blocks == 0, text == zeros);
  }
}

TEST(CopyDataTest, ASourceThatEndsEarlyIsNoCopy) {
  for (const size_t size : {size_t{0}, size_t{10}, size_t{16} << 10, size_t{300} << 10}) {
    for (const bool hole : {false, true}) {
      const Fd from = TempFile();
      const Fd to = TempFile();
      if (hole) {
        ASSERT_TRUE(sys::Truncate(from.get(), size));
      } else {
        ASSERT_TRUE(sys::WriteAt(from.get(), std::string(size, 'x'), 0));
      }
      for (const size_t more : {size_t{1}, size_t{100} << 10}) {
        const Sys<void> copied = sys::CopyData(from.get(), to.get(), size + more);
        ASSERT_FALSE(copied) << size << " " << hole << " " << more;
        EXPECT_EQ(copied.error().code, EIO);
      }
    }
  }
}

TEST(CopyDataTest, StopsAtTheSizeAskedFor) {
  const Fd from = TempFile();
  const Fd to = TempFile();
  ASSERT_TRUE(sys::WriteAt(from.get(), "0123456789", 0));
  ASSERT_TRUE(sys::CopyData(from.get(), to.get(), 4));
  EXPECT_EQ(sys::Stat({to.get()})->st_size, 4);
}

TEST(SysTest, XattrsOfASymlinkAreItsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  const std::string base = MakeTempDir("base");
  const Fd dir(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(sys::MakeDir({dir.get(), "target"}, 0755));
  ASSERT_TRUE(sys::Symlink("target", {dir.get(), "link"}));
  ASSERT_TRUE(sys::SetXattr({dir.get(), "link"}, "trusted.x", "of the link", 0));
  EXPECT_FALSE(sys::GetXattr({dir.get(), "target"}, "trusted.x").has_value());
  const auto by_fd = sys::Open({dir.get(), "link"}, O_PATH);
  ASSERT_TRUE(by_fd.has_value());
  EXPECT_EQ(sys::GetXattr({by_fd->get()}, "trusted.x"), "of the link");
  EXPECT_TRUE(sys::Unlink({dir.get(), "link"}));
  EXPECT_TRUE(sys::RemoveDir({dir.get(), "target"}));
  EXPECT_EQ(::rmdir(base.c_str()), 0);
}

mode_t ModeOf(int dir, const char* name) { return sys::Stat({dir, name})->st_mode & 07777; }

// 0 when chmod changes files and directories, by name and by descriptor, and never what a symlink
// points to; else the number of the step that went wrong.
int ChmodSteps() {
  const std::string base = MakeTempDir("base");
  const Fd dir(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int at = dir.get();
  const auto file = sys::Open({at, "file"}, O_CREAT | O_RDWR, 0600);
  if (!file || !sys::MakeDir({at, "dir"}, 0700) || !sys::Symlink("file", {at, "link"})) return 1;
  const auto by_path = sys::Open({at, "file"}, O_PATH);
  const auto link = sys::Open({at, "link"}, O_PATH);
  if (!by_path || !link) return 2;
  int wrong = 0;
  auto expect = [&](int step, bool right) { wrong = wrong == 0 && !right ? step : wrong; };
  expect(3, sys::Chmod({at, "file"}, 0640) && ModeOf(at, "file") == 0640);
  expect(4, sys::Chmod({at, "dir"}, 01750) && ModeOf(at, "dir") == 01750);
  expect(5, sys::Chmod({file->get()}, 0604) && ModeOf(at, "file") == 0604);
  expect(6, sys::Chmod({by_path->get()}, 0600) && ModeOf(at, "file") == 0600);
  for (const sys::At symlink : {sys::At{at, "link"}, sys::At{link->get()}}) {
    const auto refused = sys::Chmod(symlink, 0777);
    expect(7, !refused && refused.error().code == EOPNOTSUPP && ModeOf(at, "file") == 0600);
  }
  expect(8, sys::Unlink({at, "link"}) && sys::Unlink({at, "file"}) && sys::RemoveDir({at, "dir"}));
  expect(9, ::rmdir(base.c_str()) == 0);
  return wrong;
}

TEST(SysTest, ChmodNeverFollowsASymlink) { EXPECT_EQ(ChmodSteps(), 0); }

TEST(SysTest, ChmodNeverFollowsASymlinkWhereTheKernelHasNoFchmodat2) {
  constexpr uint32_t kFchmodat2 = 452;
  for (const int code : {ENOSYS, EPERM}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::_exit(RefuseSystemCall(kFchmodat2, code) ? ChmodSteps() : 100);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "the system call fails with " << code;
  }
}

}  // namespace
}  // namespace veneer
