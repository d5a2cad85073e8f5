// SPDX-License-Identifier: Apache-2.0
//
// Which images `veneer image prune --filter` speaks of: by age and by labels, as Docker's prune has
// it. Pure functions.
#ifndef VENEER_TOOLS_FORMAT_IMAGE_SELECTION_H_
#define VENEER_TOOLS_FORMAT_IMAGE_SELECTION_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "tools/format/json.h"

namespace veneer {

struct ImageSelection {
  std::optional<Timestamp> until;  // only images made before
  // Labels that an image must have, and must not have: "KEY" or "KEY=VALUE".
  std::vector<std::string> with;
  std::vector<std::string> without;

  bool needs_labels() const { return !with.empty() || !without.empty(); }
  bool MatchesTime(const Timestamp& created) const { return !until || created < *until; }
  // `config`: the document of an image's config. What is no label there counts as none.
  bool MatchesLabels(const Json& config) const;
};

// "until=24h", "until=2024-01-31T12:00:00Z", "until=2024-01-31" (UTC), "until=1700000000",
// "label=a", "label=a=b", "label!=a": all must hold. Usage error names the filter.
Result<ImageSelection> ParseImageSelection(const std::vector<std::string>& filters,
                                           const Timestamp& now);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_IMAGE_SELECTION_H_
