// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/mapping.h"

#include "layerdb/model/dialect.h"
#include "layerdb/model/entry.h"

namespace veneer {

namespace {

// AUFS keeps its own files under this; only the opaque mark has a meaning elsewhere.
constexpr std::string_view kAufsMeta = ".wh..wh.";

std::pair<std::string_view, std::string_view> SplitLast(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

}  // namespace

Result<LayerName> ParseLayerName(std::string_view name) {
  if (name.empty()) return MakeError("an entry without a name");
  // The name of a whiteout is longer than what it deletes.
  VENEER_TRY(TreePath path, ParseTarPath(name, kMaxName + kWhiteoutPrefix.size()));
  LayerName out;
  out.path = std::move(path);
  if (out.path.empty()) return out;
  for (size_t i = 0; i + 1 < out.path.size(); ++i) {
    if (out.path[i].starts_with(kAufsMeta)) {
      out.kind = LayerName::Kind::kIgnored;
      return out;
    }
    if (out.path[i].size() > kMaxName) return BadName(out.path[i], ErrnoText(ENAMETOOLONG));
  }
  std::string_view& last = out.path.back();
  if (!last.starts_with(kWhiteoutPrefix)) {
    if (last.size() > kMaxName) return BadName(last, ErrnoText(ENAMETOOLONG));
    return out;
  }
  if (last == kOpaqueName) {
    out.kind = LayerName::Kind::kOpaque;
    out.path.pop_back();
    return out;
  }
  if (last.starts_with(kAufsMeta)) {
    out.kind = LayerName::Kind::kIgnored;
    return out;
  }
  out.kind = LayerName::Kind::kWhiteout;
  last.remove_prefix(kWhiteoutPrefix.size());
  if (last.empty() || last == "." || last == "..") return BadName(name, "a whiteout of no name");
  return out;
}

std::string WhiteoutPath(std::string_view path) {
  const auto [dir, last] = SplitLast(path);
  return std::string(dir).append(kWhiteoutPrefix).append(last);
}

std::string OpaquePath(std::string_view path) {
  std::string out(path);
  if (!out.empty()) out += '/';
  return out.append(kOpaqueName);
}

bool IsReservedInLayers(std::string_view name) { return name.starts_with(kWhiteoutPrefix); }

}  // namespace veneer
