// SPDX-License-Identifier: Apache-2.0
//
// What builds keep between them: the images of steps that nobody gave a name, and the directories
// of RUN --mount=type=cache. Which of them go is decided here, by values alone; ListBuildCache()
// and RemoveFromBuildCache() act.
#ifndef VENEER_TOOLS_BUILD_BUILD_CACHE_H_
#define VENEER_TOOLS_BUILD_BUILD_CACHE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"
#include "layerdb/model/entry.h"
#include "layerdb/store/store.h"

namespace veneer {

struct CacheEntry {
  enum class Kind { kStep, kDirectory };
  Kind kind = Kind::kStep;
  std::string id;                // of an image, in hex; the name of a directory
  std::optional<Digest> parent;  // of a step
  std::string label;             // of a directory: its id, as people wrote it, or its target
  Timestamp created;             // of a step
  Timestamp used;                // by a build, at last
  // Of a step, the contents of the files of the layers that no step below has; of a directory, on
  // disk.
  uint64_t bytes = 0;
  // An image that is no cached step has these layers too, and so nothing comes back with the step.
  bool shared = false;
  bool in_use = false;  // an image or a container needs it, or a build at this moment

  uint64_t own_bytes() const { return shared ? 0 : bytes; }
  // The first digits, with the number of one of several private directories.
  std::string short_id() const;
};

// Unless a choice says otherwise, directories that were used within this time stay: as BuildKit
// keeps them.
inline constexpr int64_t kKeepDirectoriesSeconds = 48 * 60 * 60;

// All that is told must hold.
struct CacheChoice {
  std::vector<std::string> ids;  // one of them: an id, its start, or the label of a directory
  std::optional<CacheEntry::Kind> kind;
  std::optional<Timestamp> until;              // last used before
  std::optional<Timestamp> directories_until;  // the same for directories alone
  std::optional<uint64_t> keep;                // the newest stay, of so many bytes together
};

// Whether ids, kind and times say so.
bool Matches(const CacheChoice& choice, const CacheEntry& entry);
// The ids of the entries that go: none that is in use, and no step that another one was made of
// which stays.
std::set<std::string> ChooseFromCache(const std::vector<CacheEntry>& entries,
                                      const CacheChoice& choice);

// The cached steps among the images of a store, without the times of their last use. `layer_bytes`:
// of each layer that they have.
std::vector<CacheEntry> StepEntries(const std::vector<ImageListing>& all,
                                    const std::set<Digest>& used_images,
                                    const std::map<Digest, uint64_t>& layer_bytes);

// Steps, the newest first, then directories.
Result<std::vector<CacheEntry>> ListBuildCache(Store& store);

struct RemovedFromCache {
  std::vector<CacheEntry> entries;
  uint64_t bytes_freed = 0;     // on disk, with what nothing in the store needs
  bool writers_active = false;  // something was being written, and so no step was removed
};
// Removes the `chosen` ones of `entries`, but for those that something uses by now.
Result<RemovedFromCache> RemoveFromBuildCache(Store& store, const std::vector<CacheEntry>& entries,
                                              const std::set<std::string>& chosen);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_CACHE_H_
