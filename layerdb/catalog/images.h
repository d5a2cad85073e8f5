// SPDX-License-Identifier: Apache-2.0
//
// Images and their tags, in the catalog. An image is known by the digest of its configuration (its
// id) and has any number of tags "name:tag".
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_CATALOG_IMAGES_H_
#define VENEER_LAYERDB_CATALOG_IMAGES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/step_results.h"
#include "layerdb/model/entry.h"

namespace veneer {

class KvDatabase;
class StoreLayout;

struct ImageRecord {
  Digest id;                     // of the configuration, which is a blob
  std::vector<Digest> diff_ids;  // bottom first; none: an empty tree
  Digest chain_id;               // of diff_ids
  Timestamp created;             // as the configuration says; for listings
  uint64_t size = 0;             // bytes of all files, for listings
  std::vector<Digest> blobs;  // further blobs that belong to the image: manifest, compressed layers
  // The image that a commit made it of; it need not be there any more.
  std::optional<Digest> parent = std::nullopt;
  // What registries call it that it was pulled from or pushed to: "debian@sha256:…", the last one
  // first. Names of their own beside the tags.
  std::vector<std::string> repo_digests = {};
  // The result of a step of a build, which nobody asked for by itself: not listed as long as it has
  // no name.
  bool step = false;
};

struct ImageListing {
  ImageRecord image;
  std::vector<std::string> tags;  // in byte order
};

// An image to be recorded, and the names it gets (as users write them).
struct NewImage {
  ImageRecord image;
  std::vector<std::string> tags;
};

struct FoundImage {
  ImageRecord image;
  std::string tag;  // the full "name:tag" that was found; empty when found by id
};

struct RemovedImage {
  std::vector<std::string> untagged;  // "name:tag"; "name@sha256:…" where that was asked for
  std::optional<Digest> deleted;      // the image's record is gone too
  // With `deleted`: what of it no other image and no container needs any more.
  std::vector<Digest> chains;  // chain ids of its layers upon one another, the top one first
  std::vector<Digest> layers;  // diff ids, the top one first
  std::vector<Digest> blobs;
  std::optional<Digest> tree;  // a chain id
};

struct RemoveTerms {
  bool force = false;
  // An image given by id may be removed with its names where it has no more of them than this.
  size_t names = 1;
  bool keep_parents = false;
};

// The chain ids of layers upon one another, the top one first, without those of the lowest
// `shared`.
std::vector<Digest> ChainsAbove(std::span<const Digest> diff_ids, size_t shared);

// "debian" → "debian:latest", "docker.io/library/debian:12" → "debian:12". kUsage: not a name
// (reference.h), or one with a digest.
Result<std::string> NormalizeTag(std::string_view name);

class Images {
 public:
  Images(const StoreLayout& layout, KvDatabase& catalog) : layout_(layout), catalog_(catalog) {}

  // Records an image and gives it these tags (names as users write them), in one commit: the last
  // write of an import. Its layers and blobs must be in the store. A tag that named another image
  // names this one now. An image that is there already keeps its further blobs and its parent.
  // `spent`: a container that the same commit removes from the catalog, because its files are the
  // image's now; Containers::RemoveFiles() comes next. REQUIRES: its lock; it is not mounted.
  Result<void> Put(const ImageRecord& image, std::span<const std::string> tags,
                   const std::optional<std::string>& spent = std::nullopt);
  // The same for several images, in one commit; of a name that two of them get, the last has it.
  // `steps`: what is known of the layers from now on (StepResults).
  Result<void> PutAll(std::span<const NewImage> images,
                      std::span<const KeyedStepResult> steps = {},
                      const std::optional<std::string>& spent = std::nullopt);
  // Whether there is an image of this id.
  Result<bool> Has(const Digest& id) const;
  Result<void> Tag(const Digest& id, std::string_view tag);
  // A registry has the image under this name by digest (ImageRecord::repo_digests), which comes
  // first from now on. An image that is gone meanwhile gets none.
  Result<void> AddRepoDigest(const Digest& id, const std::string& name);

  // By name[:tag] (":latest" when left out), by id ("sha256:…" or the hex digits), by the start of
  // one id of at least four digits, or by name[:tag]@sha256:…: one of ImageRecord::repo_digests,
  // or, of an image that has none of them, its id or the digest of one of its blobs. kNotFound:
  // there is none; an ambiguous start is kFailed.
  Result<FoundImage> Find(std::string_view reference);
  // Sorted by creation, newest first.
  Result<std::vector<ImageListing>> List();

  // docker rmi: by tag, removes the tag, and with the last tag the image; by id, removes the image,
  // and refuses when it has several tags unless `force`; by name@digest, removes that one of
  // ImageRecord::repo_digests, or, of an image that has none of them, the tags of that name. With
  // the last tag of a name go its digests. An image that others were made from stays when its last
  // name goes, and is refused by id (kInUse; `force` does not help). kInUse, naming the container,
  // when a container uses an image that would be deleted or lose its last name (`force` does not
  // help). With an image go the images that it was made from, its parent first, as far as they have
  // no name, no container and no other child. Layers and contents stay, for RemoveImage()
  // (remove_image.h) or prune. In the order of their going; never empty.
  Result<std::vector<RemovedImage>> Remove(std::string_view reference, const RemoveTerms& terms);

 private:
  const StoreLayout& layout_;
  KvDatabase& catalog_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_IMAGES_H_
