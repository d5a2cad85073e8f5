// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/step_results.h"

#include <string>
#include <string_view>

#include "layerdb/base/files.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/records.h"
#include "layerdb/index/kv.h"

namespace veneer {

Result<std::optional<StepResult>> StepResults::Find(const Digest& key) const {
  std::optional<StepResult> found;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto bytes, txn.Get(StepResultKey(key)));
    found = bytes ? DecodeStep(*bytes) : std::nullopt;
    return {};
  }));
  if (found && !Exists(layout_.layer_index(found->diff_id))) found.reset();
  return found;
}

Result<std::vector<KeyedStepResult>> StepResults::List() const {
  std::vector<KeyedStepResult> list;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    list.clear();
    return txn.Scan(kStepPrefix, [&](std::string_view name, std::string_view bytes) {
      const std::optional<Digest> key = Digest::FromHex(name.substr(kStepPrefix.size()));
      const std::optional<StepResult> result = DecodeStep(bytes);
      if (key && result) list.push_back({*key, *result});
      return true;
    });
  }));
  return list;
}

Result<void> StepResults::Clear() {
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    std::vector<std::string> keys;
    VENEER_TRY_VOID(txn.Scan(kStepPrefix, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    }));
    for (const std::string& key : keys) VENEER_TRY_VOID(txn.Erase(key));
    return {};
  });
}

}  // namespace veneer
