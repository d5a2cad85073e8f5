// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/upper_links.h"

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "layerdb/base/parse.h"
#include "layerdb/tar/names.h"

namespace veneer {

Result<void> UpperLinks::Read(const std::string& work, const DirLayerOptions& options,
                              const IndexedLayer& image) {
  const std::string directory = work + "/veneer/links";
  Result<std::shared_ptr<DirLayer>> opened = DirLayer::Open(directory, options);
  if (!opened && opened.error().code() == ENOENT) return {};
  if (!opened) return tl::unexpected(std::move(opened).error());
  layer_ = *std::move(opened);
  const LayerRef root = layer_->Root().ref;
  std::vector<std::string> names;
  VENEER_TRY_CTX_VOID(
      layer_->List(root, [&](const LayerDirent& entry) { names.emplace_back(entry.name); }),
      directory);
  for (const std::string& name : names) {
    uint64_t ino = 0;
    if (!ParseNumber(name, &ino, 16)) continue;
    VENEER_TRY_CTX(std::optional<LayerObject> file, layer_->Lookup(root, name, 0),
                   directory + "/" + name);
    if (!file || file->ref.id == Layer::kWhiteout) continue;
    files_.emplace(ino, *std::move(file));
    for (const std::string& path : image.PathsOfIno(ino).value_or(std::vector<std::string>())) {
      VENEER_TRY(const TreePath parts, ParseTarPath(path, kMaxName));
      Names* at = &names_;
      for (const std::string_view part : parts) at = &at->children[std::string(part)];
    }
  }
  return {};
}

}  // namespace veneer
