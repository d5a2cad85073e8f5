// SPDX-License-Identifier: Apache-2.0
//
// Objects when a system call fails in the midst.
#include "tests/support/fault/faults.h"

#include <fcntl.h>

#include "layerdb/base/sys.h"
#include "layerdb/objects/content_hash.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class ObjectFaults : public StoreTest {
 protected:
  void NewDirectory() {
    path_ = dir_ / ("objects" + std::to_string(round_++));
    std::filesystem::create_directory(path_);
    objects_ = Must(ObjectStore::Open(path_));
  }
  // Each object is whole, whether it was told of or not.
  void Verify(bool done) {
    size_t objects = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      if (entry.is_directory()) continue;
      EXPECT_EQ(ReadFile(entry.path()), bytes_) << entry.path();
      ++objects;
    }
    EXPECT_LE(objects, 1U);
    EXPECT_TRUE(!done || objects == 1);
  }

  const std::string bytes_ = std::string(10'000, 'b');
  std::string path_;
  std::unique_ptr<ObjectStore> objects_;
  int round_ = 0;
};

TEST_F(ObjectFaults, AnObjectIsPutAsAWholeOrNotAtAll) {
  FailEachCall({[&] { NewDirectory(); },
                [&] { return objects_->Put(bytes_, HashContent(bytes_)).has_value(); },
                [&](bool done) { Verify(done); }});
}

TEST_F(ObjectFaults, AFileIsMovedAsAWholeOrNotAtAll) {
  const std::string staged = dir_ / "staged";
  const auto move = [&]() -> Result<void> {
    VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(staged), O_RDONLY), staged);
    VENEER_TRY_CTX(const Hash128 hash, HashContentOf(fd.get()), staged);
    VENEER_TRY_VOID(objects_->Move(AT_FDCWD, staged, fd.get(), hash));
    return {};
  };
  FailEachCall({[&] { NewDirectory(); },
                [&] {
                  if (!std::filesystem::exists(staged)) WriteFile(staged, bytes_);
                  return move().has_value();
                },
                [&](bool done) { Verify(done); }});
}

}  // namespace
}  // namespace veneer
