// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/tar_mapping.h"

#include "layerdb/base/printable.h"
#include "layerdb/model/dialect.h"
#include "layerdb/model/entry.h"

namespace veneer {

namespace {

// AUFS keeps its own files under this; only the opaque mark has a meaning elsewhere.
constexpr std::string_view kAufsMeta = ".wh..wh.";

tl::unexpected<Error> Bad(std::string_view name, std::string_view why) {
  return MakeError("\"" + PrintablePath(name) + "\": " + std::string(why));
}

std::pair<std::string_view, std::string_view> SplitLast(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

}  // namespace

Result<TreePath> ParseTarPath(std::string_view name, size_t max_component) {
  if (name.find('\0') != std::string_view::npos) return Bad(name, "a name with a NUL byte");
  TreePath path;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!path.empty()) path.pop_back();
      continue;
    }
    if (part.size() > max_component) return Bad(part, ErrnoText(ENAMETOOLONG));
    if (path.size() == kMaxTreeDepth) {
      return MakeError("a path deeper than " + std::to_string(kMaxTreeDepth) + " directories");
    }
    path.push_back(part);
  }
  return path;
}

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
    if (out.path[i].size() > kMaxName) return Bad(out.path[i], ErrnoText(ENAMETOOLONG));
  }
  std::string_view& last = out.path.back();
  if (!last.starts_with(kWhiteoutPrefix)) {
    if (last.size() > kMaxName) return Bad(last, ErrnoText(ENAMETOOLONG));
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
  if (last.empty() || last == "." || last == "..") return Bad(name, "a whiteout of no name");
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

std::string PrintablePath(std::string_view path) {
  static constexpr char kDigits[] = "0123456789abcdef";
  constexpr size_t kLongest = 200;
  std::string out;
  for (std::string_view rest = path.substr(0, kLongest); !rest.empty();) {
    const TextPiece piece = FirstCharacter(rest);
    if (piece.printable && rest[0] != '\\') {
      out += rest.substr(0, piece.size);
    } else {
      for (const char c : rest.substr(0, piece.size)) {
        const auto byte = static_cast<uint8_t>(c);
        out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
      }
    }
    rest.remove_prefix(piece.size);
  }
  if (path.size() > kLongest) out += "...";
  return out;
}

}  // namespace veneer
