// SPDX-License-Identifier: Apache-2.0
//
// How names in an archive become places in a tree, and back. Pure.
//
// From archive to tree: a leading "/" or "./", empty components and "." mean nothing, and ".." goes
// up, but never above the root (path.Clean of Go, which Docker uses on every name). In image layers
// the names that begin with ".wh." speak of the layers below (OCI image-spec layer.md,
// "Whiteouts"). An import is always read so, as `docker import` reads it, because whoever gets the
// archive later reads it so too.
#ifndef VENEER_LAYERDB_TAR_MAPPING_H_
#define VENEER_LAYERDB_TAR_MAPPING_H_

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/tar/names.h"

namespace veneer {

struct LayerName {
  enum class Kind {
    kObject,    // an object of its own at `path`
    kWhiteout,  // the name `path` is deleted
    kOpaque,    // nothing of the directory `path` shows from below
    kIgnored,   // AUFS bookkeeping (".wh..wh.plnk" and the like), which no one takes for a file
  };
  Kind kind = Kind::kObject;
  TreePath path;
};

// What the name of an entry in an image layer means. Only its last component marks anything:
// ".wh.a/b" is a file in a directory of that name, as it is for Docker and podman. Errors beside
// those of ParseTarPath(): an empty name; a whiteout of nothing (".wh."), of "." or of ".."
// (".wh..", ".wh...").
Result<LayerName> ParseLayerName(std::string_view name);

// The name of the whiteout of `path` ("usr/bin/x" gives "usr/bin/.wh.x"), and of the mark that
// makes the directory `path` opaque ("" is the root).
std::string WhiteoutPath(std::string_view path);
std::string OpaquePath(std::string_view path);
// True for a name that image layers cannot hold as a file, because it would be read as a whiteout.
bool IsReservedInLayers(std::string_view name);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_MAPPING_H_
