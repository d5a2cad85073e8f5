// SPDX-License-Identifier: Apache-2.0
//
// ChangeWalk: what a writable layer changes in the tree below it, in the order of an archive. It
// reads the directories of the writable layer and, where a renamed or replaced directory makes it
// necessary, those of the image; what did not change is not looked at. Redirects, metadata-only
// copies and the link index are resolved here: whoever takes the changes sees plain objects.
//
// Not thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_CHANGE_WALK_H_
#define VENEER_LAYERDB_TRANSFER_CHANGE_WALK_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/model/layer_rules.h"
#include "layerdb/transfer/tar_stream.h"
#include "layerdb/transfer/upper_links.h"
#include "layerdb/transfer/upper_stubs.h"

namespace veneer {

// One path that the writable layer says something of.
struct Change {
  std::string path;  // from the root, no slash in front; "" is the root
  // Against the image's object of this path. nullopt: no difference. Neither the image nor the tree
  // above has an object of this path (a whiteout of nothing), or both have the same.
  std::optional<DiffKind> kind;
  bool deleted = false;  // no object any more; the rest but `hidden` is not set
  // A directory above is opaque, so that nothing of the image shows here anyway.
  bool hidden = false;
  // Directory: what the image has in this path does not show. What does is among the changes that
  // follow.
  bool opaque = false;
  // Directory: it is itself the image's, or was copied up and left as it was; only something in it
  // changed.
  bool only_inside = false;
  // Directory: of itself only the time of modification is another.
  bool only_time = false;
  Attr attr;
  std::optional<Attr> base;  // what the image has in this path
  LayerRef base_ref;         // REQUIRES: `base`
  // Where attributes, xattrs and a symlink's target are, and where the contents.
  const Layer* meta = nullptr;
  LayerRef meta_ref;
  const Layer* data = nullptr;
  LayerRef data_ref;
  // The same for all names of one file; empty for what has one name only.
  std::optional<TarLinkKey> link_key;
};

// What a container has beside its writable layer, for which an empty path stands where there is
// none.
struct UpperRecords {
  // What sessions have made to mount on (model/mount_stub.h), which counts as if it were not there.
  // May be missing.
  std::string stubs;
  // A file of the owner that the root was made with. Where it is there, its maker could not give
  // the root the owner of the image's, or a mode without rights for the owner; so neither of them
  // is a change as long as the root is his.
  std::string foreign_root;
};

// Those of a container of a store.
UpperRecords RecordsOf(const StoreLayout& layout, std::string_view container);

class ChangeWalk {
 public:
  // Opens a writable layer, its link index (`work` may be empty) and the merged tree below (`tree`
  // may be empty), whose contents are in `objects`.
  static Result<std::unique_ptr<ChangeWalk>> Open(const std::string& upper, const std::string& work,
                                                  const std::string& tree,
                                                  const std::string& objects,
                                                  const UpperRecords& records = {});

  // Every change, a directory before what is in it, siblings in byte order; before each all
  // directories above it, the root first, changed or not. So nothing is told where nothing changed.
  Result<void> Run(FunctionRef<Result<void>(const Change&)> sink);
  // Every object of the tree that the union shows, changed or not, in the same order. Nothing is
  // deleted or opaque there, and `kind` says nothing.
  Result<void> RunMerged(FunctionRef<Result<void>(const Change&)> sink);

  // True when the image would show something at this path (no slash in front) if the writable layer
  // said nothing of the name itself: the removal of what the layer has there must leave a whiteout.
  Result<bool> IsInImage(std::string_view path) const;

  const DirLayer& upper() const { return *upper_; }
  const IndexedLayer* lower() const { return lower_.get(); }
  // The files of the link index; null when there are none.
  const DirLayer* links() const { return links_.layer(); }

 private:
  using OptionalObject = std::optional<LayerObject>;

  // A directory on the way. A missing part is nullopt.
  struct Frame {
    size_t path_size = 0;
    std::optional<LayerRef> upper;  // in the writable layer
    std::optional<LayerRef> below;  // what of the image merges with it
    std::optional<LayerRef> base;   // what the image has at this path
    const UpperLinks::Names* linked = nullptr;
    bool hidden = false;           // as Change::hidden
    std::optional<Change> untold;  // of this directory: told with the first change in it, or never
    std::vector<std::string> names;  // descending: the next one is the last
    // The image's directory of this path shows through, so only what the writable layer says is a
    // change. Under an opaque directory it never does: what a redirect brings back must be told.
    bool plain() const { return !hidden && below && base && below->id == base->id; }
  };

  ChangeWalk() = default;
  // Visits all below the root, whose frame is `root`.
  Result<void> Descend(Frame root, FunctionRef<Result<void>(const Change&)> sink);
  // What of the image merges with a directory of the writable layer, over what it has at the same
  // path.
  Result<OptionalObject> MergedWith(const LayerObject& directory, OptionalObject below) const;
  // The attributes of the root as they would be if its maker could have given it those of the
  // image's.
  void RestoreRoot(Attr* attr) const;
  Result<OptionalObject> LookupLower(const std::optional<LayerRef>& dir,
                                     std::string_view name) const;
  Result<OptionalObject> LowerAt(std::string_view path) const;
  Result<Frame> Enter(std::optional<LayerRef> upper, std::optional<LayerRef> below,
                      std::optional<LayerRef> base, const UpperLinks::Names* linked, bool hidden);
  Result<std::optional<Frame>> Visit(Frame& frame, const std::string& name,
                                     FunctionRef<Result<void>(const Change&)> sink);
  Result<void> CompareDirectories(const LayerObject& above, const LayerObject& base,
                                  Change* change) const;
  Result<void> FillUpper(const LayerObject& object, const OptionalObject& below,
                         Change* change) const;
  Result<void> FillLower(const LayerObject& object, Change* change) const;
  tl::unexpected<Error> InPath(Errno e) const;

  std::shared_ptr<DirLayer> upper_;
  std::shared_ptr<IndexedLayer> lower_;
  UpperLinks links_;
  std::optional<UpperStubs> stubs_;                      // set by Open()
  std::optional<std::pair<uid_t, gid_t>> foreign_root_;  // its maker
  std::string path_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CHANGE_WALK_H_
