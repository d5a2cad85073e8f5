// SPDX-License-Identifier: Apache-2.0
//
// UpperLinks: the link index of a writable layer (fs/upper), WORK/veneer/links/<inode number in 16
// hex digits>. It holds the files of the image with several names that were changed, each for all
// its names.
//
// Thread-safety: none.
#ifndef VENEER_LAYERDB_TRANSFER_UPPER_LINKS_H_
#define VENEER_LAYERDB_TRANSFER_UPPER_LINKS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"

namespace veneer {

class UpperLinks {
 public:
  // Names of the image whose file was changed through another of its names.
  struct Names {
    std::map<std::string, Names, std::less<>> children;
  };

  // Reads the index in the work directory `work`, where there is one. `options`: those of the
  // writable layer.
  Result<void> Read(const std::string& work, const DirLayerOptions& options,
                    const IndexedLayer& image);

  // The changed file of an inode number of the image; null: it was not changed.
  const LayerObject* Find(uint64_t ino) const {
    const auto file = files_.find(ino);
    return file == files_.end() ? nullptr : &file->second;
  }
  const Names& names() const { return names_; }
  // What the files are in; null when there are none.
  const DirLayer* layer() const { return layer_.get(); }

 private:
  std::shared_ptr<DirLayer> layer_;
  std::map<uint64_t, LayerObject> files_;
  Names names_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_UPPER_LINKS_H_
