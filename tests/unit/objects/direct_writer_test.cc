// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/direct_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/sys.h"
#include "tests/support/fault/faults.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// Bytes that differ from block to block.
std::string Bytes(uint64_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

using Extent = std::pair<uint64_t, uint64_t>;  // offset and size

class DirectWriterTest : public testing::Test {
 protected:
  ~DirectWriterTest() override { std::filesystem::remove_all(dir_); }

  // Writes these extents of `bytes` to an empty file in pieces of `piece`, with the size that is
  // told to the writer. False: an error was told.
  bool Write(const std::string& bytes, const std::vector<Extent>& extents, size_t piece,
             uint64_t told) {
    std::filesystem::remove(path_);
    Sys<Fd> file = sys::Open(sys::Path(path_), O_RDWR | O_CREAT | O_EXCL, 0444);
    if (!file) return false;
    file_ = *std::move(file);
    const std::unique_ptr<DirectWriter> writer = DirectWriter::Begin(file_.get(), told);
    if (writer == nullptr) return false;
    for (const auto& [begin, size] : extents) {
      for (uint64_t at = 0; at < size; at += piece) {
        const uint64_t n = std::min<uint64_t>(piece, size - at);
        if (!writer->Write(std::string_view(bytes).substr(begin + at, n), begin + at)) return false;
      }
    }
    return writer->Finish(bytes.size()).has_value();
  }
  std::string Read() {
    struct stat st {};
    EXPECT_EQ(fstat(file_.get(), &st), 0);
    std::string bytes(static_cast<size_t>(st.st_size), '\0');
    EXPECT_TRUE(sys::ReadAt(file_.get(), bytes.data(), bytes.size(), 0));
    return bytes;
  }
  uint64_t Blocks() {
    struct stat st {};
    EXPECT_EQ(fstat(file_.get(), &st), 0);
    return static_cast<uint64_t>(st.st_blocks);
  }

  const std::string dir_ = MakeTempDir("direct");
  const std::string path_ = dir_ + "/file";
  Fd file_;
};

TEST_F(DirectWriterTest, AFileHasItsBytesWhateverThePiecesAre) {
  const std::string bytes = Bytes(9 * kMiB + 4097);
  for (const size_t piece : {size_t{4 * kMiB}, size_t{1'000'003}, size_t{4095}, bytes.size()}) {
    ASSERT_TRUE(Write(bytes, {{0, bytes.size()}}, piece, bytes.size())) << piece;
    EXPECT_EQ(Read(), bytes) << piece;
  }
}

TEST_F(DirectWriterTest, AFileMayHaveAnotherSizeThanWasTold) {
  const std::string bytes = Bytes(5 * kMiB + 1);
  for (const uint64_t told : {uint64_t{1}, 5 * kMiB, 300 * kMiB}) {
    ASSERT_TRUE(Write(bytes, {{0, bytes.size()}}, kMiB, told)) << told;
    EXPECT_EQ(Read(), bytes) << told;
    EXPECT_LE(Blocks() * 512, bytes.size() + kMiB) << told;
  }
}

TEST_F(DirectWriterTest, BetweenExtentsAreHoles) {
  std::string bytes(20 * kMiB, '\0');
  const std::vector<std::vector<Extent>> cases = {
      {{0, kMiB}, {9 * kMiB, 4096}, {18 * kMiB, kMiB}},
      {{kMiB, 4096}, {5 * kMiB, 100}},
      {{0, 1000}, {6 * kMiB + 7, 5000}, {16 * kMiB, 8192}},
      {}};
  for (const std::vector<Extent>& extents : cases) {
    std::string expected(bytes.size(), '\0');
    uint64_t data = 0;
    for (const auto& [begin, size] : extents) {
      expected.replace(begin, size, Bytes(size));
      data += size;
    }
    ASSERT_TRUE(Write(expected, extents, 100'000, expected.size()));
    EXPECT_TRUE(Read() == expected) << extents.size();
    EXPECT_LE(Blocks() * 512, data + kMiB) << extents.size();
  }
}

TEST_F(DirectWriterTest, AFailureIsTold) {
  const std::string bytes = Bytes(13 * kMiB + 100);
  FailEachCall({[] {},
                [&] {
                  return Write(bytes, {{0, bytes.size()}}, kMiB, bytes.size());
                },
                [&](bool done) { EXPECT_TRUE(!done || Read() == bytes); }});
}

}  // namespace
}  // namespace veneer
