// SPDX-License-Identifier: Apache-2.0
//
// Contents: their hash, and objects.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "layerdb/objects/content_hash.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::HasSubstr;

TEST(ContentHash, IsPlainXxh3ForWhatHasNoBlockOfZeros) {
  for (const size_t size : {0UL, 1UL, 65'535UL, 65'536UL, 200'000UL}) {
    const std::string bytes(size, 'x');
    EXPECT_EQ(HashContent(bytes), Xxh128(bytes)) << size;
  }
  const std::string zeros(65'535, '\0');
  EXPECT_EQ(HashContent(zeros), Xxh128(zeros));
}

// However the bytes come, and whether zeros are written or skipped.
TEST(ContentHash, DependsOnTheBytesOnly) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    ContentHasher hasher;
    for (unsigned parts = 1 + random() % 6; parts > 0; --parts) {
      const size_t size = random() % 3 == 0 ? random() % 300'000 : random() % 5000;
      if (random() % 2 == 0) {
        bytes.append(size, '\0');
        if (random() % 2 == 0) {
          hasher.Zeros(size);
        } else {
          hasher.Update(std::string(size, '\0'));
        }
      } else {
        const std::string part(size, static_cast<char>('a' + random() % 26));
        bytes += part;
        hasher.Update(part);
      }
    }
    ASSERT_EQ(hasher.size(), bytes.size());
    ASSERT_EQ(hasher.Finish(), HashContent(bytes));
  }
}

TEST(ContentHash, TellsRunsOfZerosApart) {
  std::set<Hash128> hashes;
  const std::string x(65'536, 'x');
  for (const int before : {0, 1, 2, 3}) {
    for (const int after : {0, 1, 2, 3}) {
      const std::string bytes =
          std::string(before * 65'536UL, '\0') + x + std::string(after * 65'536UL, '\0');
      EXPECT_TRUE(hashes.insert(HashContent(bytes)).second) << before << " " << after;
    }
  }
}

TEST(ContentHash, OfATerabyteOfNothingTakesNoTime) {
  ContentHasher hasher;
  hasher.Update("begin");
  hasher.Zeros(uint64_t{1} << 40);
  hasher.Update("end");
  hasher.Finish();
  EXPECT_EQ(hasher.size(), (uint64_t{1} << 40) + 8);
}

class Objects : public StoreTest {
 protected:
  std::string Read(const ObjectRef& ref) const {
    return ReadFile(Path("objects/" + ObjectPath(ref)));
  }
};

TEST_F(Objects, AreStoredOnce) {
  auto session = Must(store_->Begin());
  const std::string bytes(5000, 'a');
  const ObjectRef ref = Must(session->PutObject(bytes));
  EXPECT_EQ(Read(ref), bytes);
  EXPECT_EQ(Must(session->PutObject(bytes)), ref);
  EXPECT_EQ(Must(Must(store_->Begin())->PutObject(bytes, HashContent(bytes))), ref);
  EXPECT_EQ(Files("objects").size(), 1U);
  struct stat st;
  ASSERT_EQ(stat(Path("objects/" + ObjectPath(ref)).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0222, 0U);
}

// Images are untrusted: two contents of one hash can be made. Here the hash is claimed.
TEST_F(Objects, OfOneHashAndDifferentBytesAreKeptApart) {
  auto session = Must(store_->Begin());
  const Hash128 hash = Xxh128("claimed");
  const std::string a(3000, 'a');
  const std::string b(3000, 'b');
  const std::string c(3001, 'a');
  const ObjectRef ref_a = Must(session->PutObject(a, hash));
  const ObjectRef ref_b = Must(session->PutObject(b, hash));
  const ObjectRef ref_c = Must(session->PutObject(c, hash));
  EXPECT_EQ(ref_a.seq, 0U);
  EXPECT_EQ(ref_b.seq, 1U);
  EXPECT_EQ(ref_c.seq, 2U);
  EXPECT_EQ(Must(session->PutObject(b, hash)), ref_b);
  EXPECT_EQ(Read(ref_b), b);
  EXPECT_EQ(Read(ref_c), c);
}

// What a killed process leaves at an object's place is never taken for the object.
TEST_F(Objects, ThatAreHalfWrittenAreNotUsed) {
  auto session = Must(store_->Begin());
  const std::string bytes(5000, 'a');
  const ObjectRef first{HashContent(bytes), 0};
  std::filesystem::create_directory(Path("objects/" + ObjectPath(first).substr(0, 2)));
  for (const size_t size : {0, 4999}) {
    WriteFile(Path("objects/" + ObjectPath(first)), bytes.substr(0, size));
    const ObjectRef ref = Must(session->PutObject(bytes));
    EXPECT_EQ(ref.seq, 1U);
    EXPECT_EQ(Read(ref), bytes);
  }
}

TEST_F(Objects, MadePieceByPieceKeepTheirHoles) {
  auto session = Must(store_->Begin());
  auto writer = Must(session->NewObject(0));
  const std::string part(10'000, 'p');
  ASSERT_TRUE(writer->Write(part));
  ASSERT_TRUE(writer->Hole(uint64_t{1} << 30));
  ASSERT_TRUE(writer->Write(part));
  ASSERT_TRUE(writer->Hole(12'345'678));
  const ObjectRef ref = Must(writer->Finish());
  const std::string path = Path("objects/" + ObjectPath(ref));
  struct stat st;
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  const uint64_t size = 20'000 + (uint64_t{1} << 30) + 12'345'678;
  EXPECT_EQ(static_cast<uint64_t>(st.st_size), size);
  EXPECT_LT(st.st_blocks, 200);
  EXPECT_LT(writer->blocks(), 200U);
  EXPECT_EQ(writer->size(), size);
  const Fd fd = Must(store_->objects().OpenObject(ref));
  EXPECT_EQ(Must(HashContentOf(fd.get())), ref.hash);

  // The same from a file: one object.
  EXPECT_EQ(Must(session->PutObjectFrom(fd.get())), ref);
  EXPECT_EQ(Files("objects").size(), 1U);
  EXPECT_FALSE(writer->Hole(uint64_t{1} << 63));
}

TEST_F(Objects, AreNotWrittenWhereTheyAreZero) {
  auto session = Must(store_->Begin());
  const std::string bytes = std::string(100'000, 'a') + std::string(40'000, '\0') + "a" +
                            std::string(3'000'000, '\0') + "b" + std::string(200'000, '\0');
  std::vector<ObjectRef> refs;
  for (const size_t piece : {size_t{1} << 20, size_t{1'000'003}, size_t{12'345}, bytes.size()}) {
    // A size that is told makes no difference to what is there.
    auto writer = Must(session->NewObject(piece == bytes.size() ? uint64_t{1} << 30 : 0));
    for (size_t at = 0; at < bytes.size(); at += piece)
      ASSERT_TRUE(writer->Write(bytes.substr(at, piece)));
    refs.push_back(Must(writer->Finish()));
    EXPECT_LT(writer->blocks() * 512, 160'000U) << piece;
    EXPECT_EQ(refs.back(), refs.front());
    EXPECT_EQ(Read(refs.back()), bytes);
  }
}

TEST_F(Objects, AreReadWhileTheyAreWrittenWithTheZerosThatWait) {
  auto session = Must(store_->Begin());
  auto writer = Must(session->NewObject(0));
  const std::string bytes = std::string(4096, 'a') + std::string(8192, '\0');
  ASSERT_TRUE(writer->Write(bytes));
  std::string read(20'000, 'x');
  const Sys<size_t> got = writer->ReadAt(read.data(), read.size(), 0);
  ASSERT_TRUE(got);
  EXPECT_EQ(read.substr(0, *got), bytes);
  ASSERT_TRUE(writer->Hole(1000));
  EXPECT_EQ(writer->ReadAt(read.data(), read.size(), 4096).value_or(0), 9192U);
  EXPECT_EQ(writer->ReadAt(read.data(), read.size(), 50'000).value_or(1), 0U);
}

TEST_F(Objects, ThatAreGivenUpLeaveNothing) {
  auto session = Must(store_->Begin());
  {
    auto writer = Must(session->NewObject(0));
    ASSERT_TRUE(writer->Write("never finished"));
    EXPECT_EQ(Files("staging").size(), 1U);
  }
  EXPECT_TRUE(Files("staging").empty());
  EXPECT_TRUE(Files("objects").empty());
}

TEST_F(Objects, CopiedFromAFileAreTheFile) {
  auto session = Must(store_->Begin());
  for (const size_t size : {0UL, 10UL, 1UL << 20, (1UL << 20) + 1, 3'000'000UL}) {
    const std::string bytes(size, 'f');
    WriteFile(dir_ / "file", bytes);
    const Fd fd(open((dir_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
    const ObjectRef ref = Must(session->PutObjectFrom(fd.get()));
    EXPECT_EQ(Read(ref), bytes);
    EXPECT_EQ(ref.hash, HashContent(bytes));
  }
  EXPECT_TRUE(Files("staging").empty());
}

TEST_F(Objects, PutByManyThreadsAtOnceAreOne) {
  auto session = Must(store_->Begin());
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        const std::string bytes = std::to_string(i) + std::string(5000, 'x');
        const auto ref = session->PutObject(bytes);
        if (!ref || Read(*ref) != bytes) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(Files("objects").size(), 100U);
}

TEST_F(Objects, AreCheckedAgainstTheirDigestWhenTheyAreBlobs) {
  auto session = Must(store_->Begin());
  const Digest digest = Must(session->PutBlob("document"));
  EXPECT_EQ(digest, Digest::OfBytes("document"));
  EXPECT_EQ(Must(store_->ReadBlob(digest)), "document");
  EXPECT_TRUE(store_->HasBlob(digest));
  EXPECT_EQ(store_->ReadBlob(digest, 7).error().code(), EFBIG);

  const std::string file = session->dir() + "/tmp-blob";
  WriteFile(file, "another");
  EXPECT_THAT(session->PublishBlob(file, digest).error().message(), HasSubstr("other contents"));
  ASSERT_TRUE(session->PublishBlob(file, Digest::OfBytes("another")));
  EXPECT_EQ(store_->ReadBlob(Digest::OfBytes("absent")).error().exit(), ExitCode::kNotFound);

  // Damage is noticed, and healed by the same blob.
  std::filesystem::remove(store_->layout().blob(digest));
  WriteFile(store_->layout().blob(digest), "Document");
  EXPECT_EQ(store_->ReadBlob(digest).error().reason(), Reason::kDamaged);
  EXPECT_EQ(Must(session->PutBlob("document")), digest);
  EXPECT_EQ(Must(store_->ReadBlob(digest)), "document");
}

}  // namespace
}  // namespace veneer
