// SPDX-License-Identifier: Apache-2.0
#include "tools/run/new_container.h"

#include <random>
#include <utility>

#include "tools/run/made_up_name.h"

namespace veneer {

namespace {

constexpr int kAttempts = 100;

template <class Create>
auto WithName(ContainerSpec spec, Create create) -> decltype(create(spec)) {
  if (!spec.name.empty()) return create(spec);
  std::random_device random;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    spec.name = MadeUpName(random());
    if (attempt >= kAttempts / 2) spec.name += std::to_string(random() % 1000);
    auto made = create(spec);
    if (made || made.error().reason() != Reason::kNameTaken) return made;
  }
  return MakeError("no name is left to make up");
}

}  // namespace

Result<ContainerRecord> NewContainer(Store& store, ContainerSpec spec) {
  return WithName(std::move(spec),
                  [&](const ContainerSpec& named) { return store.containers().Create(named); });
}

Result<OwnedContainer> NewOwnedContainer(Store& store, ContainerSpec spec) {
  return WithName(std::move(spec), [&](const ContainerSpec& named) {
    return store.containers().CreateOwned(named);
  });
}

}  // namespace veneer
