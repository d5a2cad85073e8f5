// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build_cache.h"

#include <algorithm>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/lineage.h"
#include "layerdb/store/prune.h"
#include "layerdb/store/usage.h"
#include "tools/build/build_cache_dir.h"

namespace veneer {

namespace {

// How many of the steps that stay were made of each.
std::map<std::string, size_t> CountChildren(const std::vector<CacheEntry>& entries) {
  std::map<std::string, size_t> children;
  for (const CacheEntry& entry : entries) {
    if (entry.parent) ++children[entry.parent->hex()];
  }
  return children;
}

// The time at which a build met the step last: StepRecorder::Add() sets it on the config.
Timestamp LastUse(const Store& store, const ImageRecord& image) {
  const auto st = sys::Stat(sys::Path(store.layout().blob(image.id)));
  if (!st) return image.created;
  return {st->st_mtim.tv_sec, static_cast<uint32_t>(st->st_mtim.tv_nsec)};
}

}  // namespace

std::string CacheEntry::short_id() const {
  constexpr size_t kDigits = 12;
  const size_t end = std::min(id.find('.'), id.size());
  return id.substr(0, std::min(end, kDigits)) + id.substr(end);
}

bool Matches(const CacheChoice& choice, const CacheEntry& entry) {
  const bool directory = entry.kind == CacheEntry::Kind::kDirectory;
  if (choice.kind && *choice.kind != entry.kind) return false;
  if (choice.until && !(entry.used < *choice.until)) return false;
  if (directory && choice.directories_until && !(entry.used < *choice.directories_until)) {
    return false;
  }
  return choice.ids.empty() || std::ranges::any_of(choice.ids, [&](const std::string& id) {
           return entry.id.starts_with(id) || entry.short_id() == id ||
                  (directory && entry.label == id);
         });
}

std::set<std::string> ChooseFromCache(const std::vector<CacheEntry>& entries,
                                      const CacheChoice& choice) {
  uint64_t kept = 0;
  std::vector<const CacheEntry*> left;
  for (const CacheEntry& entry : entries) {
    kept += entry.own_bytes();
    if (!entry.in_use && Matches(choice, entry)) left.push_back(&entry);
  }
  // The one that was not used for the longest time goes first. A step comes to its turn when those
  // that were made of it have gone: a build that takes it from the cache may still want them.
  std::ranges::stable_sort(left, {}, [](const CacheEntry* entry) { return entry->used; });
  std::map<std::string, size_t> children = CountChildren(entries);
  std::set<std::string> chosen;
  while (!choice.keep || kept > *choice.keep) {
    const auto next = std::ranges::find_if(
        left, [&](const CacheEntry* entry) { return children[entry->id] == 0; });
    if (next == left.end()) break;
    const CacheEntry& entry = **next;
    left.erase(next);
    chosen.insert(entry.id);
    kept -= entry.own_bytes();
    if (entry.parent) --children[entry.parent->hex()];
  }
  return chosen;
}

std::vector<CacheEntry> StepEntries(const std::vector<ImageListing>& all,
                                    const std::set<Digest>& used_images,
                                    const std::map<Digest, uint64_t>& layer_bytes) {
  const std::set<Digest> needed = NeededSteps(all, used_images);
  std::set<Digest> of_images;
  std::map<Digest, size_t> heights;
  std::vector<const ImageRecord*> steps;
  for (const ImageListing& listing : all) {
    const ImageRecord& image = listing.image;
    heights[image.id] = image.diff_ids.size();
    if (IsCachedStep(listing)) {
      steps.push_back(&image);
    } else {
      of_images.insert(image.diff_ids.begin(), image.diff_ids.end());
    }
  }
  // A layer counts once, for the lowest step that it was made by: not for those of what the step
  // began with, if that is there. The list has the newest first, and so of steps that are equally
  // high the oldest has it.
  std::vector<const ImageRecord*> upwards(steps.rbegin(), steps.rend());
  std::ranges::stable_sort(upwards, {},
                           [](const ImageRecord* step) { return step->diff_ids.size(); });
  std::map<Digest, std::vector<Digest>> layers;
  std::set<Digest> seen;
  for (const ImageRecord* step : upwards) {
    const auto below = step->parent ? heights.find(*step->parent) : heights.end();
    for (size_t i = below == heights.end() ? 0 : below->second; i < step->diff_ids.size(); ++i) {
      const Digest& layer = step->diff_ids[i];
      if (seen.insert(layer).second) layers[step->id].push_back(layer);
    }
  }
  std::vector<CacheEntry> entries;
  for (const ImageRecord* step : steps) {
    CacheEntry entry;
    entry.id = step->id.hex();
    entry.parent = step->parent;
    entry.created = entry.used = step->created;
    entry.in_use = needed.contains(step->id);
    uint64_t own = 0;
    uint64_t shared = 0;
    for (const Digest& layer : layers[step->id]) {
      const auto bytes = layer_bytes.find(layer);
      if (bytes == layer_bytes.end()) continue;
      (of_images.contains(layer) ? shared : own) += bytes->second;
    }
    entry.shared = own == 0 && shared > 0;
    entry.bytes = entry.shared ? shared : own;
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<CacheEntry>> ListBuildCache(Store& store) {
  VENEER_TRY(const std::vector<ImageListing> all, store.images().List());
  VENEER_TRY(const auto containers, store.containers().List());
  std::vector<ImageListing> steps;
  std::ranges::copy_if(all, std::back_inserter(steps), IsCachedStep);
  VENEER_TRY(const auto layer_bytes, LayerSizes(store, steps));
  std::vector<CacheEntry> entries = StepEntries(all, UsedImages(containers), layer_bytes);
  for (size_t i = 0; i < entries.size(); ++i) entries[i].used = LastUse(store, steps[i].image);
  std::ranges::stable_sort(entries, std::ranges::greater(), &CacheEntry::used);
  VENEER_TRY(const std::vector<CacheDirUsage> directories, ListBuildCaches(store));
  for (const CacheDirUsage& directory : directories) {
    CacheEntry entry;
    entry.kind = CacheEntry::Kind::kDirectory;
    entry.id = directory.name;
    entry.label = directory.id;
    entry.created = entry.used = {directory.used, 0};
    entry.bytes = directory.bytes;
    entry.in_use = directory.in_use;
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<RemovedFromCache> RemoveFromBuildCache(Store& store, const std::vector<CacheEntry>& entries,
                                              const std::set<std::string>& chosen) {
  RemovedFromCache removed;
  PruneOptions prune;
  prune.keep_named = true;
  prune.keep_asked_for = true;
  std::set<std::string> gone;
  for (const CacheEntry& entry : entries) {
    if (!chosen.contains(entry.id)) continue;
    if (entry.kind == CacheEntry::Kind::kStep) {
      prune.images.insert(*Digest::FromHex(entry.id));
      continue;
    }
    VENEER_TRY(const bool went, RemoveBuildCache(store, entry.id));
    if (!went) continue;
    gone.insert(entry.id);
    removed.bytes_freed += entry.bytes;
  }
  VENEER_TRY(const PruneReport report, Prune(store, prune));
  removed.bytes_freed += report.bytes_freed;
  removed.writers_active = report.writers_active && !prune.images.empty();
  for (const RemovedImage& image : report.removed_images) gone.insert(image.deleted->hex());
  std::ranges::copy_if(entries, std::back_inserter(removed.entries),
                       [&](const CacheEntry& entry) { return gone.contains(entry.id); });
  return removed;
}

}  // namespace veneer
