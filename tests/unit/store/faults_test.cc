// SPDX-License-Identifier: Apache-2.0
//
// What a store writer publishes when a system call fails, or the process is killed, in the midst.
#include "tests/support/fault/faults.h"

#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class StoreFaults : public StoreTest {
 protected:
  void NewStore() {
    path_ = dir_ / ("store" + std::to_string(round_++));
    Must(Store::Open(path_));
  }
  Result<std::unique_ptr<Store>> Open() const { return Store::Open(path_); }

  Result<void> PublishLayer() const {
    VENEER_TRY(const std::unique_ptr<Store> store, Open());
    VENEER_TRY(const std::unique_ptr<StoreWriter> writer, store->Begin());
    VENEER_TRY(const std::string dir, writer->NewLayerDir());
    VENEER_TRY(const std::unique_ptr<IndexWriter> index, IndexWriter::Create(dir + "/index"));
    VENEER_TRY_VOID(index->PutRoot(DirectoryEntry(1)));
    IndexEntry entry = FileEntry(2, large_);
    VENEER_TRY(entry.object, writer->PutObject(large_));
    entry.inline_bytes.clear();
    VENEER_TRY_VOID(index->Put(1, "large", entry));
    VENEER_TRY_VOID(index->Seal(false));
    VENEER_TRY(const std::unique_ptr<TarSplitWriter> tar_split,
               TarSplitWriter::Create(dir + StoreLayout::kTarSplitFile));
    VENEER_TRY_VOID(tar_split->EndOperations());
    VENEER_TRY_VOID(tar_split->Finish({}));
    return writer->PublishLayer(dir, diff_id_);
  }

  Result<void> PublishBlob() const {
    VENEER_TRY(const std::unique_ptr<Store> store, Open());
    VENEER_TRY(const std::unique_ptr<StoreWriter> writer, store->Begin());
    VENEER_TRY_VOID(writer->PutBlob(large_));
    return {};
  }

  const std::string large_ = std::string(10'000, 'l');
  const Digest diff_id_ = Digest::OfBytes("layer");
  std::string path_;
  int round_ = 0;
};

TEST_F(StoreFaults, ALayerIsThereWithItsContentsOrIsNot) {
  const FaultCase test = {[&] { NewStore(); }, [&] { return PublishLayer().has_value(); },
                          [&](bool done) {
                            const auto store = Must(Open());
                            const bool there = store->HasLayer(diff_id_);
                            EXPECT_TRUE(there || !done);
                            EXPECT_TRUE(!there || Must(store->Begin())->HasSoundLayer(diff_id_));
                          }};
  FailEachCall(test);
  KillAtEachCall(test);
}

TEST_F(StoreFaults, ABlobIsWholeOrIsNotThere) {
  const FaultCase test = {[&] { NewStore(); }, [&] { return PublishBlob().has_value(); },
                          [&](bool done) {
                            const auto store = Must(Open());
                            const Digest digest = Digest::OfBytes(large_);
                            EXPECT_TRUE(store->HasBlob(digest) || !done);
                            if (store->HasBlob(digest)) {
                              EXPECT_EQ(Must(store->ReadBlob(digest)), large_);
                            }
                          }};
  FailEachCall(test);
  KillAtEachCall(test);
}

}  // namespace
}  // namespace veneer
