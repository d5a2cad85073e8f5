// SPDX-License-Identifier: Apache-2.0
//
// Indexes and databases when a system call fails in the midst. LMDB's own calls do not fail here:
// findings of its own are in kv_test.cc.
#include "tests/support/fault/faults.h"

#include <gtest/gtest.h>

#include "layerdb/index/index_reader.h"
#include "layerdb/index/index_writer.h"
#include "layerdb/index/kv.h"
#include "tests/unit/index/temp_dir.h"

namespace veneer {
namespace {

Result<void> WriteIndex(const std::string& path) {
  VENEER_TRY(const std::unique_ptr<IndexWriter> writer, IndexWriter::Create(path));
  VENEER_TRY_VOID(writer->PutRoot(DirectoryEntry(1)));
  VENEER_TRY_VOID(writer->Put(1, "file", FileEntry(2, "contents")));
  VENEER_TRY_VOID(writer->Seal(true));
  return {};
}

TEST(IndexFaults, AnIndexOpensAsAWholeOrNotAtAll) {
  const TempDir dir;
  const std::string path = dir / "index";
  const FaultCase write = {[] {},
                           [&] {
                             std::filesystem::remove(path);
                             return WriteIndex(path).has_value();
                           },
                           [&](bool done) {
                             const auto index = IndexReader::Open(path);
                             EXPECT_TRUE(index || !done);
                             if (!index) return;
                             EXPECT_EQ(Must((*index)->Find(1, "file"))->entry.inline_bytes(),
                                       "contents");
                           }};
  FailEachCall(write);
  KillAtEachCall(write);
}

TEST(IndexFaults, ADatabaseHasWhatWasAcknowledged) {
  const TempDir dir;
  int round = 0;
  const auto open = [&] { return KvDatabase::Open(dir / std::to_string(round), 1 << 20); };
  const auto put = [&]() -> Result<void> {
    VENEER_TRY(const std::unique_ptr<KvDatabase> database, open());
    return database->Write([](KvTxn& txn) { return txn.Put("key", "value"); });
  };
  FailEachCall({[&] { ++round; }, [&] { return put().has_value(); },
                [&](bool done) {
                  const auto database = Must(open());
                  ASSERT_TRUE(database->Read([&](const KvTxn& txn) -> Result<void> {
                    VENEER_TRY(const auto value, txn.Get("key"));
                    EXPECT_TRUE(!done || value == "value");
                    return {};
                  }));
                }});
}

}  // namespace
}  // namespace veneer
