// SPDX-License-Identifier: Apache-2.0
//
// "Did you mean …?". Pure.
#ifndef VENEER_TOOLS_CLI_SUGGEST_H_
#define VENEER_TOOLS_CLI_SUGGEST_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace veneer {

// The candidate nearest to `wanted`; nullopt when none is near. Nearest is one with the same name
// and another tag, then one that begins with `wanted` (two characters at least), then that with the
// fewest characters to insert, delete, change or swap (a third of the name at most). Names may be
// those of images: a tag counts only where `wanted` has one, and the last part of a path is a name
// by itself.
std::optional<size_t> NearestName(std::string_view wanted, std::span<const std::string> candidates);

// "; did you mean NAME?" with the nearest candidate, or nothing.
std::string DidYouMean(std::string_view wanted, std::span<const std::string> candidates);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_SUGGEST_H_
