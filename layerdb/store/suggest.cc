// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/suggest.h"

#include <algorithm>
#include <vector>

namespace veneer {
namespace {

// Edit distance with swaps of neighbours (optimal string alignment).
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<size_t> NearestName(std::string_view wanted,
                                  std::span<const std::string> candidates) {
  constexpr size_t kLongest = 512;  // beyond, the table is not worth its time
  if (wanted.size() > kLongest) return std::nullopt;
  std::optional<size_t> best;
  size_t best_distance = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].size() > kLongest) continue;
    const size_t distance = Distance(wanted, candidates[i]);
    if (distance * 3 > std::max(wanted.size(), candidates[i].size())) continue;
    if (!best || distance < best_distance) {
      best = i;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view wanted, std::span<const std::string> candidates) {
  const std::optional<size_t> nearest = NearestName(wanted, candidates);
  return nearest ? "; did you mean " + candidates[*nearest] + "?" : "";
}

}  // namespace veneer
