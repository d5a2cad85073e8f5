// SPDX-License-Identifier: Apache-2.0
//
// Contents of every size in a commit.
#include <algorithm>
#include <random>

#include "layerdb/transfer/commit.h"
#include "layerdb/transfer/layer_tar.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

class LayerPipelineTest : public TransferTest {};

// Large files are hashed while they are read, before it is known whether they are written sparse.
TEST_F(LayerPipelineTest, LargeFilesAreTheSameWithAndWithoutRunsOfZeros) {
  for (const bool move : {false, true}) {
    Shell("rm -rf upper; mkdir -p -m 755 upper work");
    const size_t mebibyte = size_t{1} << 20;
    std::string dense;
    std::minstd_rand random(7);
    while (dense.size() < 5 * mebibyte + 77) dense += static_cast<char>(random() | 1);
    std::string zeros = dense;
    std::fill_n(zeros.begin() + 3 * mebibyte, 200'000, '\0');
    Write("upper/a-middling", dense.substr(0, mebibyte - 5));
    Write("upper/b-middling-zeros", zeros.substr(3 * mebibyte - 1000, 300'000));
    Write("upper/c-large", dense);
    Write("upper/d-large-zeros", zeros);
    Write("upper/e-large-zeros-at-end", dense + std::string(mebibyte, '\0'));
    Write("upper/f-last", "small");
    CommitOptions options;
    options.move = move;
    const auto writer = store().Begin();
    ASSERT_TRUE(writer);
    const Result<CommittedLayer> made =
        CommitUpper(store(), **writer, Path("upper"), Path("work"), "", options);
    ASSERT_TRUE(made) << made.error().message();
    const Result<void> sound = VerifyLayer(store(), made->diff_id);
    ASSERT_TRUE(sound) << sound.error().message();
    // GNU tar reads sparse maps.
    Write("commit.tar", LayerTar(made->diff_id));
    Shell("rm -rf out; mkdir out; tar -C out -xf commit.tar; rm commit.tar");
    EXPECT_TRUE(Read("out/a-middling") == dense.substr(0, mebibyte - 5));
    EXPECT_TRUE(Read("out/b-middling-zeros") == zeros.substr(3 * mebibyte - 1000, 300'000));
    EXPECT_TRUE(Read("out/c-large") == dense);
    EXPECT_TRUE(Read("out/d-large-zeros") == zeros);
    EXPECT_TRUE(Read("out/e-large-zeros-at-end") == dense + std::string(mebibyte, '\0'));
    EXPECT_EQ(Read("out/f-last"), "small");
    EXPECT_LT(made->tar_bytes, 4 * 5 * mebibyte);
  }
}

}  // namespace
}  // namespace veneer
