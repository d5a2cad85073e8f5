// SPDX-License-Identifier: Apache-2.0
//
// "Did you mean …?". Pure.
#ifndef VENEER_LAYERDB_STORE_SUGGEST_H_
#define VENEER_LAYERDB_STORE_SUGGEST_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace veneer {

// The candidate nearest to `wanted` by the number of characters to insert, delete, change or swap; nullopt when none is
// near (more than a third of the name differs).
std::optional<size_t> NearestName(std::string_view wanted, std::span<const std::string> candidates);

// "; did you mean NAME?" with the nearest candidate, or nothing.
std::string DidYouMean(std::string_view wanted, std::span<const std::string> candidates);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_SUGGEST_H_
