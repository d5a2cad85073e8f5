// SPDX-License-Identifier: Apache-2.0
//
// Files that a container gives away: they stay as they are until the image is there.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "layerdb/objects/content_hash.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class LinkedObjects : public StoreTest {
 protected:
  LinkedObjects() {
    WriteFile(file_, bytes_);
    EXPECT_EQ(chmod(file_.c_str(), 0640), 0);
    EXPECT_EQ(setxattr(file_.c_str(), "user.mine", "v", 1, 0), 0);
    before_ = Look(file_);
  }

  static Fd Open(const std::string& path) { return Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)); }
  std::string Path(const ObjectRef& ref) const {
    return StoreTest::Path("objects/" + ObjectPath(ref));
  }
  static struct stat Stat(const std::string& path) {
    struct stat st;
    EXPECT_EQ(lstat(path.c_str(), &st), 0) << path;
    return st;
  }
  // What a person can see of a file, but the number of its names.
  static std::string Look(const std::string& path) {
    const struct stat st = Stat(path);
    std::array<char, 100> value{};
    const ssize_t size = getxattr(path.c_str(), "user.mine", value.data(), value.size());
    return std::to_string(st.st_ino) + " " + std::to_string(st.st_mode) + " " +
           std::to_string(st.st_uid) + ":" + std::to_string(st.st_gid) + " " +
           std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec) + " " +
           std::string(value.data(), std::max<ssize_t>(size, 0)) + " " + ReadFile(path);
  }

  const std::string bytes_ = std::string(3000, 'm');
  const std::string file_ = dir_ / "file";
  std::string before_;
};

TEST_F(LinkedObjects, AreTheFileItselfAndLoseItsAttributesAtLast) {
  auto session = Must(store_->Begin());
  const ObjectRef ref = Must(session->LinkObject(Open(file_).get()));
  EXPECT_EQ(Stat(Path(ref)).st_ino, Stat(file_).st_ino);
  EXPECT_EQ(Look(file_), before_);
  ASSERT_TRUE(session->PublishLinked([&]() -> Result<void> {
    EXPECT_EQ(Look(file_), before_);
    std::filesystem::remove(file_);
    return {};
  }));
  session.reset();
  const struct stat st = Stat(Path(ref));
  EXPECT_EQ(st.st_mode & 07777, 0444U);
  EXPECT_EQ(st.st_nlink, 1U);
  EXPECT_EQ(listxattr(Path(ref).c_str(), nullptr, 0), 0);
  EXPECT_EQ(ReadFile(Path(ref)), bytes_);
  EXPECT_EQ(Must(Must(store_->Begin())->PutObject(bytes_)), ref);
}

TEST_F(LinkedObjects, AreTakenBackWhenTheSessionEndsWithoutPublishing) {
  auto session = Must(store_->Begin());
  const ObjectRef ref = Must(session->LinkObject(Open(file_).get()));
  session.reset();
  EXPECT_EQ(Look(file_), before_);
  EXPECT_EQ(Stat(file_).st_nlink, 1U);
  EXPECT_FALSE(std::filesystem::exists(Path(ref)));
}

// It may have been published: the object stays, and the file with it.
TEST_F(LinkedObjects, StayWhenPublishingFails) {
  auto session = Must(store_->Begin());
  const ObjectRef ref = Must(session->LinkObject(Open(file_).get()));
  const auto failed = session->PublishLinked([] { return MakeError("no"); });
  EXPECT_FALSE(failed);
  session.reset();
  EXPECT_EQ(Look(file_), before_);
  EXPECT_EQ(ReadFile(Path(ref)), bytes_);
}

TEST_F(LinkedObjects, AreSharedWithNobodyWhileTheyHaveTheOtherName) {
  auto session = Must(store_->Begin());
  const ObjectRef ref = Must(session->LinkObject(Open(file_).get()));
  WriteFile(dir_ / "equal", bytes_);
  EXPECT_EQ(Must(session->LinkObject(Open(dir_ / "equal").get())), ref) << "but in the session";
  EXPECT_EQ(Stat(dir_ / "equal").st_nlink, 1U);

  auto other = Must(store_->Begin());
  const ObjectRef copy = Must(other->PutObject(bytes_));
  EXPECT_NE(copy, ref);
  EXPECT_EQ(Must(other->LinkObject(Open(dir_ / "equal").get())), copy);
  WriteFile(file_, "the container goes on");
  EXPECT_EQ(ReadFile(Path(copy)), bytes_);
}

// A layer that a failed commit left is not taken over with objects that are a container's files.
TEST_F(LinkedObjects, AreNoPartOfASoundLayer) {
  auto put = [&](StoreWriter& session, const ObjectRef& object) {
    const std::string dir = Must(session.NewLayerDir());
    auto writer = Must(IndexWriter::Create(dir + "/index"));
    EXPECT_TRUE(writer->PutRoot(DirectoryEntry(1)));
    IndexEntry entry = FileEntry(2, bytes_);
    entry.object = object;
    entry.inline_bytes.clear();
    EXPECT_TRUE(writer->Put(1, "file", entry));
    Must(writer->Seal(false));
    PutTarSplit(dir);
    EXPECT_TRUE(session.PublishLayer(dir, Digest::OfBytes("layer")));
    return session.HasSoundLayer(Digest::OfBytes("layer"));
  };
  auto killed = Must(store_->Begin());
  const ObjectRef ref = Must(killed->LinkObject(Open(file_).get()));
  EXPECT_FALSE(put(*killed, ref));

  auto session = Must(store_->Begin());
  EXPECT_TRUE(put(*session, Must(session->PutObject(bytes_))));
  killed.reset();
  WriteFile(file_, std::string(3000, 'x'));
  EXPECT_EQ(ReadFile(Path(ref)), bytes_);
  EXPECT_TRUE(session->HasSoundLayer(Digest::OfBytes("layer")));
}

TEST_F(LinkedObjects, AreCopiesWhereTheFileCannotBeOne) {
  auto session = Must(store_->Begin());
  std::filesystem::create_hard_link(file_, dir_ / "other");
  const ObjectRef ref = Must(session->LinkObject(Open(file_).get()));
  EXPECT_NE(Stat(Path(ref)).st_ino, Stat(file_).st_ino);
  EXPECT_EQ(ReadFile(Path(ref)), bytes_);

  // Should a crash leave it like this, its owner could not read it.
  WriteFile(dir_ / "closed", std::string(4000, 'c'));
  const Fd fd = Open(dir_ / "closed");
  ASSERT_EQ(chmod((dir_ / "closed").c_str(), 0), 0);
  const ObjectRef closed = Must(session->LinkObject(fd.get()));
  EXPECT_NE(Stat(Path(closed)).st_ino, Stat(dir_ / "closed").st_ino);

  EXPECT_FALSE(session->LinkObject(Open(dir_ / ".").get()).has_value());
}

}  // namespace
}  // namespace veneer
