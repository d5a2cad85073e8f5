// SPDX-License-Identifier: Apache-2.0
#include "tools/format/image_selection.h"

#include <algorithm>

#include "tools/format/list_filter.h"
#include "tools/format/moment.h"

namespace veneer {

bool ImageSelection::MatchesLabels(const Json& config) const {
  const Json* labels = nullptr;
  if (const auto runtime = config.find("config"); runtime != config.end() && runtime->is_object()) {
    if (const auto found = runtime->find("Labels"); found != runtime->end() && found->is_object()) {
      labels = &*found;
    }
  }
  return std::ranges::all_of(with,
                             [&](const std::string& label) { return HasLabel(labels, label); }) &&
         std::ranges::none_of(without,
                              [&](const std::string& label) { return HasLabel(labels, label); });
}

Result<ImageSelection> ParseImageSelection(const std::vector<std::string>& filters,
                                           const Timestamp& now) {
  VENEER_TRY(ListFilters values, ParseFilters(filters, {"until", "label", "label!"}));
  ImageSelection selection;
  const std::vector<std::string>& until = FilterValues(values, "until");
  if (until.size() > 1) {
    return MakeError("filter 'until' may be given only once", ExitCode::kUsage);
  }
  if (!until.empty()) {
    VENEER_TRY(selection.until, ParseMoment(until.front(), now));
  }
  for (const char* key : {"label", "label!"}) {
    if (std::ranges::find(FilterValues(values, key), "") == FilterValues(values, key).end())
      continue;
    return MakeError("filter '" + std::string(key) + "' needs a label", ExitCode::kUsage);
  }
  selection.with = FilterValues(values, "label");
  selection.without = FilterValues(values, "label!");
  return selection;
}

}  // namespace veneer
