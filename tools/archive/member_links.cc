// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/member_links.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel allows in one path

// The components of a path, the last one first.
std::vector<std::string> Reversed(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (!component.empty() && component != ".") out.emplace_back(component);
  }
  std::ranges::reverse(out);
  return out;
}

std::string Join(const std::vector<std::string>& components) {
  std::string out;
  for (const std::string& component : components) {
    out.append(out.empty() ? "" : "/").append(component);
  }
  return out;
}

}  // namespace

Result<std::string> FollowLinks(const std::string& name, LinkLookup link_at) {
  std::vector<std::string> pending = Reversed(name);
  std::vector<std::string> place;
  std::string last = QuotedPath(name) + " is a name";  // what led here
  const auto leaves = [&] {
    return MakeError(last +
                     ", which leaves the archive: only symbolic links inside it are followed");
  };
  int links = 0;
  while (!pending.empty()) {
    std::string component = std::move(pending.back());
    pending.pop_back();
    if (component == "..") {
      if (place.empty()) return leaves();
      place.pop_back();
      continue;
    }
    place.push_back(std::move(component));
    const std::string here = Join(place);
    VENEER_TRY(const std::optional<std::string> target, link_at(here));
    if (!target) continue;
    if (++links > kMaxSymlinks)
      return MakeError(QuotedPath(name) + " is a link that leads to itself");
    last = (here == name ? "" : QuotedPath(name) + ": ") + QuotedPath(here) + " is a link to " +
           QuotedPath(*target);
    if (target->starts_with('/')) return leaves();
    place.pop_back();
    std::ranges::move(Reversed(*target), std::back_inserter(pending));
  }
  return Join(place);
}

}  // namespace veneer
