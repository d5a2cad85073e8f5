// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/suggest.h"

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

// The part of a name before its tag; a colon before a slash is that of a port.
std::string_view WithoutTag(std::string_view name) {
  const size_t colon = name.rfind(':');
  const bool tag =
      colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos;
  return tag ? name.substr(0, colon) : name;
}

std::string_view LastPart(std::string_view name) {
  return name.substr(name.rfind('/') + 1);  // npos + 1 is 0
}

// How far two names are apart, counted in halves; nullopt: not near.
std::optional<size_t> Edits(std::string_view wanted, std::string_view name) {
  const size_t distance = Distance(wanted, name);
  if (distance * 3 > std::max(wanted.size(), name.size())) return std::nullopt;
  return 2 * distance;
}

std::optional<size_t> Apart(std::string_view wanted, std::string_view name) {
  constexpr size_t kSameName = 0, kBeginning = 1, kOtherTag = 1;
  constexpr size_t kShortest = 2;  // more begins with one letter than is meant
  const std::string_view bare = WithoutTag(name);
  if (WithoutTag(wanted) == bare) return kSameName;
  if (WithoutTag(wanted) != wanted) {
    if (const auto edits = Edits(wanted, name)) return edits;
    const auto edits = Edits(WithoutTag(wanted), bare);
    return edits ? std::optional(*edits + kOtherTag) : std::nullopt;
  }
  std::optional<size_t> best;
  for (const std::string_view part : {bare, LastPart(bare)}) {
    if (wanted.size() >= kShortest && part.starts_with(wanted)) return kBeginning;
    const auto edits = Edits(wanted, part);
    if (edits && (!best || *edits < *best)) best = edits;
  }
  return best;
}

}  // namespace

std::optional<size_t> NearestName(std::string_view wanted,
                                  std::span<const std::string> candidates) {
  constexpr size_t kLongest = 512;  // beyond, the table is not worth its time
  if (wanted.size() > kLongest) return std::nullopt;
  std::optional<size_t> best;
  size_t best_apart = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].size() > kLongest) continue;
    const auto apart = Apart(wanted, candidates[i]);
    if (!apart || (best && *apart >= best_apart)) continue;
    best = i;
    best_apart = *apart;
  }
  return best;
}

std::string DidYouMean(std::string_view wanted, std::span<const std::string> candidates) {
  const std::optional<size_t> nearest = NearestName(wanted, candidates);
  return nearest ? "; did you mean " + candidates[*nearest] + "?" : "";
}

}  // namespace veneer
