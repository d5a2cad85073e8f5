// SPDX-License-Identifier: Apache-2.0
//
// Images and containers when a system call fails, or the process is killed, in the midst.
#include "tests/support/fault/faults.h"

#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class CatalogFaults : public StoreTest {
 protected:
  void NewStore() {
    path_ = dir_ / ("store" + std::to_string(round_++));
    store_ = Must(Store::Open(path_));
    image_ = PutImage("one", {"one"});
    // Every process opens it for itself.
    store_.reset();
  }
  Result<std::unique_ptr<Store>> Open() const { return Store::Open(path_); }

  std::string path_;
  std::optional<ImageRecord> image_;
  int round_ = 0;
};

TEST_F(CatalogFaults, ATagIsThereOrIsNot) {
  const auto tag = [&]() -> Result<void> {
    VENEER_TRY(const std::unique_ptr<Store> store, Open());
    return store->images().Tag(image_->id, "two");
  };
  const FaultCase test = {[&] { NewStore(); }, [&] { return tag().has_value(); },
                          [&](bool done) {
                            const auto store = Must(Open());
                            EXPECT_EQ(Must(store->images().Find("one")).image.id, image_->id);
                            const auto found = store->images().Find("two");
                            EXPECT_TRUE(found || !done);
                            EXPECT_TRUE(!found || found->image.id == image_->id);
                          }};
  FailEachCall(test);
  KillAtEachCall(test);
}

TEST_F(CatalogFaults, AContainerHasItsDirectoriesOrIsNotThere) {
  const auto create = [&]() -> Result<void> {
    VENEER_TRY(const std::unique_ptr<Store> store, Open());
    if (store->containers().Get("web")) return {};
    const ContainerSpec spec{"web", image_->id, "one", false, ""};
    VENEER_TRY_VOID(store->containers().Create(spec));
    return {};
  };
  const FaultCase test = {[&] { NewStore(); }, [&] { return create().has_value(); },
                          [&](bool done) {
                            const auto store = Must(Open());
                            const bool there = store->containers().Get("web").has_value();
                            EXPECT_TRUE(there || !done);
                            for (const std::string& path :
                                 {store->layout().upper("web"), store->layout().work("web")}) {
                              EXPECT_TRUE(!there || std::filesystem::is_directory(path)) << path;
                            }
                          }};
  FailEachCall(test);
  KillAtEachCall(test);
}

}  // namespace
}  // namespace veneer
