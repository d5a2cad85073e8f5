// SPDX-License-Identifier: Apache-2.0
//
// What is compressed here is read by the machine's own gzip and zstd.
#include "layerdb/tar/compressor.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "layerdb/transfer/checked_layer_tar.h"
#include "tests/unit/base/refuse_system_call.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

class CompressorTest : public TransferTest {
 protected:
  static std::string Compress(const std::string& method, std::string_view bytes, size_t piece) {
    const Result<Compression> compression = ParseCompression(method);
    EXPECT_TRUE(compression) << method;
    const std::unique_ptr<Compressor> compressor = Compressor::Create(*compression);
    std::string out;
    const auto sink = [&](std::string_view some) -> Result<void> {
      out += some;
      return {};
    };
    while (!bytes.empty()) {
      EXPECT_TRUE(compressor->Write(bytes.substr(0, piece), sink));
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    EXPECT_TRUE(compressor->Finish(sink));
    return out;
  }
  // Text that compresses, longer than several blocks, and noise that does not.
  static std::string Sample(size_t size) {
    std::mt19937 random(1);
    std::string out;
    while (out.size() < size) {
      if (random() % 300 == 0) {
        for (int i = 0; i < 3000; ++i) out += static_cast<char>(random());
      } else {
        out += "line " + std::to_string(random() % 500) + " of a text that repeats itself\n";
      }
    }
    out.resize(size);
    return out;
  }
};

TEST_F(CompressorTest, WithoutMoreThreadsTheBytesAreTheSame) {
  const std::string sample = Sample(3'000'000);
  const std::string expected = Compress("gzip", sample, 70'000);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!RefuseSystemCall(SYS_clone3, EAGAIN)) _exit(2);
    _exit(Compress("gzip", sample, 70'000) == expected ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(CompressorTest, OtherProgramsReadIt) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}, size_t{512} << 10,
                            (size_t{512} << 10) + 1, size_t{5'000'000}}) {
    const std::string sample = Sample(size);
    Write("sample", sample);
    Write("sample.gz", Compress("gzip", sample, 70'000));
    Write("sample.zst", Compress("zstd", sample, 70'000));
    Write("sample.none", Compress("none", sample, 70'000));
    Shell(
        "gzip -t sample.gz; gzip -dc sample.gz | cmp - sample; cmp sample.none sample\n"
        "zstd -qt sample.zst; zstd -qdc sample.zst | cmp - sample");
    if (size > 1'000'000) {
      EXPECT_LT(Read("sample.gz").size(), size * 95 / 100);
      EXPECT_LT(Read("sample.zst").size(), size * 95 / 100);
    }
  }
}

TEST_F(CompressorTest, TheOutputDependsOnTheInputAlone) {
  const std::string sample = Sample(3'000'000);
  for (const std::string method : {"gzip", "zstd", "zstd:1", "zstd:9"}) {
    const std::string first = Compress(method, sample, 1 << 20);
    EXPECT_EQ(Compress(method, sample, 1000), first) << method;
    EXPECT_EQ(Compress(method, sample, sample.size()), first) << method;
  }
  EXPECT_GT(Compress("zstd:1", sample, 1 << 20).size(),
            Compress("zstd:19", sample, 1 << 20).size());
  // No name, no time, nothing of the system.
  EXPECT_EQ(Compress("gzip", "x", 1).substr(0, 10),
            std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
}

TEST_F(CompressorTest, BlocksCostLittle) {
  const std::string sample = Sample(5'000'000);
  Write("sample", sample);
  const size_t theirs = std::stoul(Shell("gzip -6c sample | wc -c"));
  EXPECT_LT(Compress("gzip", sample, 1 << 20).size(), theirs * 102 / 100);
}

TEST_F(CompressorTest, AnErrorOfTheSinkIsReturned) {
  const std::string sample = Sample(5'000'000);
  for (const std::string method : {"none", "gzip", "zstd:1"}) {
    const std::unique_ptr<Compressor> compressor = Compressor::Create(*ParseCompression(method));
    const auto full = [](std::string_view) -> Result<void> { return MakeError("full"); };
    Result<void> done = compressor->Write(sample, full);
    if (done) done = compressor->Finish(full);
    ASSERT_FALSE(done) << method;
    EXPECT_EQ(done.error().message(), "full") << method;
  }
}

TEST_F(CompressorTest, RefusesWhatIsNoMethod) {
  for (const char* text : {"", "xz", "gzip:6", "zstd:", "zstd:0", "zstd:20", "zstd:-1", "zstd:3x",
                           "zstd:99999999999", "Gzip"}) {
    const Result<Compression> compression = ParseCompression(text);
    ASSERT_FALSE(compression) << text;
    EXPECT_EQ(compression.error().exit(), ExitCode::kUsage);
  }
  EXPECT_EQ(ParseCompression("zstd:19")->level, 19);
}

using CheckedLayerTarTest = TransferTest;

TEST_F(CheckedLayerTarTest, GivesTheArchiveInLargePieces) {
  const std::string archive =
      TarFile("large", std::string(3'300'000, 'x')) + TarFile("small", "y") + TarEnd();
  const Digest layer = ImportBytes(archive).diff_id;
  std::string out;
  std::vector<size_t> sizes;
  const Result<uint64_t> size =
      WriteCheckedLayerTar(store(), layer, [&](std::string_view bytes) -> Result<void> {
        out += bytes;
        sizes.push_back(bytes.size());
        return {};
      });
  ASSERT_TRUE(size) << size.error().message();
  EXPECT_EQ(*size, archive.size());
  EXPECT_EQ(out, archive);
  for (size_t i = 0; i + 1 < sizes.size(); ++i) EXPECT_EQ(sizes[i], size_t{1} << 20);
}

TEST_F(CheckedLayerTarTest, AContentThatHasDecayedIsAnError) {
  const Digest layer =
      ImportBytes(TarFile("large", std::string(3'300'000, 'x')) + TarEnd()).diff_id;
  const auto write = [&] {
    return WriteCheckedLayerTar(store(), layer, [](std::string_view) { return Result<void>(); });
  };
  ASSERT_TRUE(write());
  // Of the same size, so that only the digest can tell.
  Shell(
      "chmod u+w store/objects/*/*; for f in store/objects/*/*; do printf z | "
      "dd of=$f bs=1 seek=2000000 conv=notrunc status=none; done");
  const Result<uint64_t> written = write();
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message().find("another digest"), std::string::npos)
      << written.error().message();
  const Result<uint64_t> stopped = WriteCheckedLayerTar(
      store(), layer, [](std::string_view) -> Result<void> { return MakeError("full"); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message(), "full");
}

}  // namespace
}  // namespace veneer
