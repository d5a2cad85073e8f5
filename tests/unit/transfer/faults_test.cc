// SPDX-License-Identifier: Apache-2.0
//
// Imports when a system call fails in the midst, in whatever thread.
#include "tests/support/fault/faults.h"

#include "layerdb/transfer/layer_tar.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

class TransferFaults : public TransferTest {
 protected:
  Result<std::unique_ptr<Store>> Open() const {
    return Store::Open(Path("store" + std::to_string(round_)));
  }
  Result<Digest> ImportArchive() const {
    VENEER_TRY(const std::unique_ptr<Store> store, Open());
    VENEER_TRY(const std::unique_ptr<StoreWriter> writer, store->Begin());
    VENEER_TRY(const ImportedLayer layer, ImportLayer(*store, *writer, Path("a.tar"), {}));
    return layer.diff_id;
  }
  static Result<std::string> Archive(const Store& store, const Digest& diff_id) {
    std::string bytes;
    VENEER_TRY_VOID(WriteLayerTar(store, diff_id, [&](std::string_view part) -> Result<void> {
      bytes += part;
      return {};
    }));
    return bytes;
  }

  int round_ = 0;
};

TEST_F(TransferFaults, AnArchiveIsImportedAsAWholeOrNotAtAll) {
  const std::string archive = TarDir("dir/") + TarFile("dir/large", std::string(300'000, 'l')) +
                              TarFile("dir/packed", std::string(9000, 'p')) +
                              TarFile("small", "s") + TarHardLink("link", "small") + TarEnd();
  Write("a.tar", archive);
  const Digest diff_id = Digest::OfBytes(archive);
  FailEachCall({[&] { ++round_; },
                [&] {
                  const Result<Digest> imported = ImportArchive();
                  EXPECT_TRUE(!imported || *imported == diff_id);
                  return imported.has_value();
                },
                [&](bool done) {
                  const auto store = Open();
                  ASSERT_TRUE(store) << store.error().message();
                  EXPECT_TRUE((*store)->HasLayer(diff_id) || !done);
                  if (!(*store)->HasLayer(diff_id)) return;
                  const Result<std::string> back = Archive(**store, diff_id);
                  ASSERT_TRUE(back) << back.error().message();
                  EXPECT_TRUE(*back == archive);
                }});
}

}  // namespace
}  // namespace veneer
