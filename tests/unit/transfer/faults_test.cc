// SPDX-License-Identifier: Apache-2.0
//
// Imports, and the writing of directories, when a system call fails in the midst, in whatever
// thread.
#include "tests/support/fault/faults.h"

#include <fcntl.h>

#include <filesystem>

#include "layerdb/transfer/directory_sink.h"
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

// A directory, a file with two names over what is there, and a symlink.
Result<void> FillDirectory(const std::string& path, const std::string& bytes) {
  const Fd to(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
  DirectorySink sink(to.get(), {});
  const auto add = [&](const std::string& name, FileType type) {
    SourceEntry entry{name, {}, {{"user.note", "value"}}};
    entry.attr.type = type;
    entry.attr.mode = 0755;
    if (type == FileType::kSymlink) entry.target = "target";
    if (type == FileType::kRegular) {
      entry.attr.size = bytes.size();
      entry.key.emplace(0, 1);
    }
    return sink.Add(entry, [&]() -> Result<std::optional<SourceContent>> {
      SourceContent content;
      content.content.bytes = bytes;
      return content;
    });
  };
  VENEER_TRY_VOID(add("dir", FileType::kDirectory));
  VENEER_TRY_VOID(add("dir/file", FileType::kRegular));
  VENEER_TRY_VOID(add("link", FileType::kSymlink));
  VENEER_TRY_VOID(add("other", FileType::kRegular));
  VENEER_TRY_VOID(sink.Finish());
  return {};
}

TEST_F(TransferFaults, AFileInADirectoryHasItsNameWhenItIsWhole) {
  const std::string bytes(100'000, 'b');
  const std::string to = Path("to");
  FailEachCall(
      {[&] {
         std::filesystem::remove_all(to);
         std::filesystem::create_directories(to + "/other/deep");
         std::filesystem::create_directories(to + "/dir");
         Write("to/dir/file", "old");
       },
       [&] { return FillDirectory(to, bytes).has_value(); },
       [&](bool done) {
         for (const auto& each : std::filesystem::recursive_directory_iterator(to)) {
           EXPECT_FALSE(each.path().filename().string().starts_with(".veneer")) << each.path();
         }
         const std::string file = Read("to/dir/file");
         EXPECT_TRUE(file == bytes || (!done && file == "old")) << file.size();
         if (!std::filesystem::is_directory(to + "/other")) {
           EXPECT_TRUE(!std::filesystem::exists(to + "/other") || Read("to/other") == bytes);
         }
         EXPECT_TRUE(!done || std::filesystem::hard_link_count(to + "/other") == 2);
       }});
}

}  // namespace
}  // namespace veneer
