// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/discard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/store/store.h"

namespace veneer {

Result<void> DiscardObjects(const Store& store, std::vector<ObjectRef> objects) {
  std::sort(objects.begin(), objects.end());
  objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  std::vector<bool> needed(objects.size(), false);
  // All layers and not those of images only: another import may be about to make its image.
  const std::string layers = store.layout().layers();
  VENEER_TRY_CTX(const std::vector<std::string> names, NamesIn(layers), layers);
  for (const std::string& name : names) {
    VENEER_TRY(const std::shared_ptr<IndexReader> index,
               IndexReader::Open(layers + "/" + name + "/index"));
    const Sys<void> read =
        index->ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
          if (found.entry.whiteout()) return true;
          const std::optional<ObjectRef> ref = found.entry.object();
          if (!ref) return true;
          const auto at = std::lower_bound(objects.begin(), objects.end(), *ref);
          if (at != objects.end() && *at == *ref) {
            needed[static_cast<size_t>(at - objects.begin())] = true;
          }
          return true;
        });
    if (!read) return MakeError(read.error(), index->path());
  }
  for (size_t i = 0; i < objects.size(); ++i) {
    if (needed[i]) continue;
    const std::string path = ObjectPath(objects[i]);
    const Sys<void> removed = sys::Unlink({store.objects().dir_fd(), path.c_str()});
    if (!removed && removed.error().code != ENOENT) {
      return MakeError(removed.error(), store.layout().objects() + "/" + path);
    }
    const std::string shard = path.substr(0, path.find('/'));
    IgnoreError(sys::RemoveDir({store.objects().dir_fd(), shard.c_str()}),
                "it holds others most of the time");
  }
  return {};
}

}  // namespace veneer
