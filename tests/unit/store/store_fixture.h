// SPDX-License-Identifier: Apache-2.0
//
// A store in a directory of its own, and shortcuts to fill it.
#ifndef VENEER_TESTS_UNIT_STORE_STORE_FIXTURE_H_
#define VENEER_TESTS_UNIT_STORE_STORE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"
#include "layerdb/index/index_writer.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/tar_split.h"
#include "tests/unit/index/temp_dir.h"

namespace veneer {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : store_(Must(Store::Open(dir_ / "store"))) {}

  std::string Path(const std::string& below) const { return store_->path() + "/" + below; }

  // The tar-split of an archive of no bytes.
  static void PutTarSplit(const std::string& dir) {
    auto writer = Must(TarSplitWriter::Create(dir + StoreLayout::kTarSplitFile));
    EXPECT_TRUE(writer->EndOperations() && writer->Finish({}));
  }

  // A staged layer with these files in its root directory. Contents of more than 20 bytes go to
  // objects.
  static std::string StageLayer(StoreWriter& session,
                                const std::vector<std::pair<std::string, std::string>>& files) {
    const std::string dir = Must(session.NewLayerDir());
    auto writer = Must(IndexWriter::Create(dir + "/index"));
    EXPECT_TRUE(writer->PutRoot(DirectoryEntry(1)));
    uint64_t ino = 2;
    for (const auto& [name, bytes] : files) {
      IndexEntry entry = FileEntry(ino++, bytes);
      if (bytes.size() > 20) {
        entry.object = Must(session.PutObject(bytes));
        entry.inline_bytes.clear();
      }
      EXPECT_TRUE(writer->Put(1, name, entry));
    }
    Must(writer->Seal(false));
    PutTarSplit(dir);
    return dir;
  }

  // The same, published.
  static Digest PutLayer(StoreWriter& session, const std::string& what,
                         const std::vector<std::pair<std::string, std::string>>& files) {
    const std::string dir = StageLayer(session, files);
    const Digest diff_id = Digest::OfBytes(what);
    const Result<void> published = session.PublishLayer(dir, diff_id);
    EXPECT_TRUE(published.has_value()) << published.error().message();
    return diff_id;
  }

  // An image of one layer, which holds a small file, a large one, and one that all such images
  // share.
  static ImageRecord PutImage(Store& store, const std::string& what,
                              const std::vector<std::string>& tags) {
    auto session = Must(store.Begin());
    const Digest layer = PutLayer(*session, what,
                                  {{"large", what + std::string(5000, '.')},
                                   {"shared", std::string(9000, 's')},
                                   {"small", what}});
    const Digest id = Must(session->PutBlob("{\"config\":\"" + what + "\"}"));
    const std::vector<Digest> diff_ids = {layer};
    const ImageRecord image{id, diff_ids, ChainIdOf(diff_ids), {1000, 0}, 14'000, {}};
    const Result<void> put = store.images().Put(image, tags);
    EXPECT_TRUE(put.has_value()) << put.error().message();
    return image;
  }
  ImageRecord PutImage(const std::string& what, const std::vector<std::string>& tags) {
    return PutImage(*store_, what, tags);
  }

  // The files below a directory of the store.
  std::vector<std::string> Files(const std::string& below) const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(below))) {
      if (!entry.is_directory())
        files.push_back(entry.path().string().substr(store_->path().size() + 1));
    }
    return files;
  }

  const TempDir dir_;
  std::unique_ptr<Store> store_;
};

// Runs `body` in a child process; returns its wait status.
int RunInChild(const std::function<void()>& body);
// The same without waiting.
pid_t StartChild(const std::function<void()>& body);
int WaitFor(pid_t pid);

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_STORE_STORE_FIXTURE_H_
