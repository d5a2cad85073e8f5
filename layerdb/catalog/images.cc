// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/images.h"

#include <algorithm>
#include <map>
#include <set>

#include "layerdb/base/files.h"
#include "layerdb/catalog/image_lookup.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/lineage.h"
#include "layerdb/catalog/records.h"
#include "layerdb/index/kv.h"
#include "layerdb/model/reference.h"

namespace veneer {
namespace {

// The first container of an image, or nothing.
Result<std::optional<std::string>> UserOf(const KvTxn& txn, const Digest& image_id) {
  std::optional<std::string> user;
  RecordReferences record;
  VENEER_TRY_VOID(txn.Scan(kContainerPrefix, [&](std::string_view key, std::string_view value) {
    if (ReadContainerReferences(value, &record) && record.image == image_id.hex()) {
      user = key.substr(kContainerPrefix.size());
    }
    return !user.has_value();
  }));
  return user;
}

// The id of an image that was made from this one, or nothing. `unreadable`: whether a record that
// cannot be read counts as one, because it might be.
Result<std::optional<std::string>> ChildOf(const KvTxn& txn, const Digest& id, bool unreadable) {
  std::optional<std::string> found;
  VENEER_TRY_VOID(txn.Scan(kImagePrefix, [&](std::string_view key, std::string_view value) {
    const std::optional<ImageRecord> child = DecodeImage(value);
    if (child ? child->parent == id : unreadable) found = key.substr(kImagePrefix.size());
    return !found.has_value();
  }));
  return found;
}

// Whether an image is only there because another was made from it.
Result<bool> IsLeftOver(const KvTxn& txn, const Digest& id) {
  VENEER_TRY(const auto tags, AllTags(txn));
  for (const auto& [tag, named] : tags) {
    if (named == id.hex()) return false;
  }
  VENEER_TRY(const std::optional<std::string> user, UserOf(txn, id));
  if (user) return false;
  VENEER_TRY(const std::optional<std::string> child, ChildOf(txn, id, true));
  return !child;
}

// Fills in what nothing else needs of an image whose record is gone. A record that cannot be read
// might need anything.
Result<void> FindUnneeded(const KvTxn& txn, const ImageRecord& image, RemovedImage* removed) {
  std::set<std::string_view> layers;
  std::set<std::string_view> blobs = {image.id.hex()};
  for (const Digest& diff_id : image.diff_ids) layers.insert(diff_id.hex());
  for (const Digest& blob : image.blobs) blobs.insert(blob.hex());
  bool tree = true;
  size_t shared = 0;  // so many of its layers lie upon one another in something else too
  bool readable = true;
  RecordReferences record;
  const auto keep = [&] {
    const auto [theirs, own] = std::mismatch(
        record.layers.begin(), record.layers.end(), image.diff_ids.begin(), image.diff_ids.end(),
        [](std::string_view hex, const Digest& diff_id) { return hex == diff_id.hex(); });
    shared = std::max(shared, static_cast<size_t>(own - image.diff_ids.begin()));
    if (theirs == record.layers.end() && own == image.diff_ids.end()) tree = false;
    for (const std::string_view hex : record.layers) layers.erase(hex);
    for (const std::string_view hex : record.blobs) blobs.erase(hex);
    blobs.erase(record.image);
    return true;
  };
  VENEER_TRY_VOID(txn.Scan(kImagePrefix, [&](std::string_view, std::string_view value) {
    readable = ReadImageReferences(value, &record);
    return readable && keep();
  }));
  if (!readable) return {};
  VENEER_TRY_VOID(txn.Scan(kContainerPrefix, [&](std::string_view, std::string_view value) {
    readable = ReadContainerReferences(value, &record);
    return readable && keep();
  }));
  if (!readable) return {};
  for (auto diff_id = image.diff_ids.rbegin(); diff_id != image.diff_ids.rend(); ++diff_id) {
    // Once, however often the image has it.
    if (layers.erase(diff_id->hex()) > 0) removed->layers.push_back(*diff_id);
  }
  removed->chains = ChainsAbove(image.diff_ids, shared);
  for (const std::string_view hex : blobs) removed->blobs.push_back(*Digest::FromHex(hex));
  if (tree) removed->tree = image.chain_id;
  return {};
}

// Takes those of the image's names by digest away that go with `reference`, and gives them: the one
// that it is; all of them, where it is an id; those of a repository whose last tag is among
// `named`. `tags`: all tags of the image.
std::vector<std::string> TakeDigests(ImageRecord* image, std::string_view reference, bool by_digest,
                                     bool by_id, const std::vector<std::string>& named,
                                     const std::vector<std::string>& tags) {
  std::vector<std::string> taken;
  std::erase_if(image->repo_digests, [&](const std::string& name) {
    const std::string repository = name.substr(0, name.find('@'));
    const auto of_it = [&](const std::string& tag) { return RepositoryOf(tag) == repository; };
    const bool goes =
        by_digest
            ? name == RepoDigestOf(reference)
            : by_id || (std::ranges::any_of(named, of_it) &&
                        std::ranges::count_if(named, of_it) == std::ranges::count_if(tags, of_it));
    if (goes) taken.push_back(name);
    return goes;
  });
  return taken;
}

// Removes the record of an image and what is known of layers that only it had, and says what that
// leaves unneeded.
Result<void> Erase(KvTxn& txn, const ImageRecord& image, RemovedImage* removed) {
  removed->deleted = image.id;
  VENEER_TRY_VOID(txn.Erase(ImageKey(image.id)));
  VENEER_TRY_VOID(FindUnneeded(txn, image, removed));
  for (const Digest& diff_id : removed->layers) {
    VENEER_TRY_VOID(txn.Erase(LayerBlobsKey(diff_id)));
  }
  return {};
}

}  // namespace

std::vector<Digest> ChainsAbove(std::span<const Digest> diff_ids, size_t shared) {
  std::vector<Digest> chains;
  std::optional<Digest> chain;
  for (size_t i = 0; i < diff_ids.size(); ++i) {
    chain = ChainId(chain, diff_ids[i]);
    if (i >= shared) chains.push_back(*chain);
  }
  std::ranges::reverse(chains);
  return chains;
}

Result<std::string> NormalizeTag(std::string_view name) {
  VENEER_TRY(const Reference reference, ParseReference(name));
  if (!reference.digest) return reference.TagName();
  return MakeError("'" + std::string(name) + "' has a digest, which is not given but computed",
                   ExitCode::kUsage);
}

namespace {

Result<std::vector<std::string>> NormalizeTags(std::span<const std::string> tags) {
  std::vector<std::string> full;
  for (const std::string& tag : tags) {
    VENEER_TRY(std::string normal, NormalizeTag(tag));
    full.push_back(std::move(normal));
  }
  return full;
}

// The layers and blobs of an image are there.
Result<void> CheckComplete(const StoreLayout& layout, const ImageRecord& image) {
  for (const Digest& diff_id : image.diff_ids) {
    if (!Exists(layout.layer_index(diff_id))) {
      return MakeError("layer " + diff_id.ToString() + " is not in the store", ExitCode::kNotFound);
    }
  }
  std::vector<Digest> blobs = image.blobs;
  blobs.push_back(image.id);
  for (const Digest& blob : blobs) {
    if (!Exists(layout.blob(blob))) {
      return MakeError("blob " + blob.ToString() + " is not in the store", ExitCode::kNotFound);
    }
  }
  return {};
}

// `tags`: full names. An image that is there already keeps what belongs to it, and what it was made
// of.
Result<void> PutImage(KvTxn& txn, ImageRecord image, std::span<const std::string> tags) {
  VENEER_TRY(const auto known, txn.Get(ImageKey(image.id)));
  // A damaged record is replaced.
  if (const auto there = known ? DecodeImage(*known) : std::nullopt) {
    for (const Digest& blob : there->blobs) {
      if (std::find(image.blobs.begin(), image.blobs.end(), blob) == image.blobs.end()) {
        image.blobs.push_back(blob);
      }
    }
    if (!image.parent) image.parent = there->parent;
    image.step = image.step && there->step;
    for (const std::string& name : there->repo_digests) {
      if (std::ranges::find(image.repo_digests, name) == image.repo_digests.end()) {
        image.repo_digests.push_back(name);
      }
    }
  }
  VENEER_TRY_VOID(txn.Put(ImageKey(image.id), EncodeImage(image)));
  for (const std::string& tag : tags) VENEER_TRY_VOID(txn.Put(TagKey(tag), image.id.hex()));
  return {};
}

}  // namespace

Result<void> Images::Put(const ImageRecord& image, std::span<const std::string> tags,
                         const std::optional<std::string>& spent) {
  const NewImage made{image, {tags.begin(), tags.end()}};
  return PutAll({&made, 1}, {}, spent);
}

Result<void> Images::PutAll(std::span<const NewImage> images,
                            std::span<const KeyedStepResult> steps,
                            const std::optional<std::string>& spent) {
  std::vector<std::vector<std::string>> tags;
  for (const NewImage& made : images) {
    VENEER_TRY(std::vector<std::string> full, NormalizeTags(made.tags));
    VENEER_TRY_VOID(CheckComplete(layout_, made.image));
    tags.push_back(std::move(full));
  }
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    for (size_t i = 0; i < images.size(); ++i) {
      VENEER_TRY_VOID(PutImage(txn, images[i].image, tags[i]));
    }
    for (const KeyedStepResult& step : steps) {
      VENEER_TRY_VOID(txn.Put(StepResultKey(step.key), EncodeStep(step.result)));
    }
    return spent ? txn.Erase(ContainerKey(*spent)) : Result<void>();
  });
}

Result<bool> Images::Has(const Digest& id) const {
  bool there = false;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto record, txn.Get(ImageKey(id)));
    there = record.has_value();
    return {};
  }));
  return there;
}

Result<void> Images::Tag(const Digest& id, std::string_view tag) {
  VENEER_TRY(const std::string full, NormalizeTag(tag));
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY(const std::optional<ImageRecord> image, GetImage(txn, id));
    if (!image) return MakeError("no such image: " + id.ToString(), ExitCode::kNotFound);
    return txn.Put(TagKey(full), id.hex());
  });
}

Result<void> Images::AddRepoDigest(const Digest& id, const std::string& name) {
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY(std::optional<ImageRecord> image, GetImage(txn, id));
    if (!image) return {};
    std::erase(image->repo_digests, name);
    image->repo_digests.insert(image->repo_digests.begin(), name);
    return txn.Put(ImageKey(id), EncodeImage(*image));
  });
}

Result<FoundImage> Images::Find(std::string_view reference) {
  std::optional<FoundImage> found;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(found, FindImageIn(txn, reference));
    return {};
  }));
  return std::move(*found);
}

namespace {

// By id.
Result<std::vector<ImageListing>> ListIn(const KvTxn& txn) {
  std::vector<ImageListing> list;
  VENEER_TRY(const auto tags, AllTags(txn));
  std::map<std::string, std::vector<std::string>> tags_of;
  for (const auto& [tag, id] : tags) tags_of[id].push_back(tag);
  Result<void> parsed;
  VENEER_TRY_VOID(txn.Scan(kImagePrefix, [&](std::string_view key, std::string_view value) {
    Result<ImageRecord> image = ParseImage(key, value);
    if (!image) {
      parsed = tl::unexpected(std::move(image).error());
      return false;
    }
    std::vector<std::string> own = tags_of[image->id.hex()];
    list.push_back({std::move(*image), std::move(own)});
    return true;
  }));
  if (!parsed) return tl::unexpected(std::move(parsed).error());
  return list;
}

// Why an image stays that is given by its id. `child`: one that was made from it.
Error HasChildren(const KvTxn& txn, std::string_view reference, const Digest& id,
                  const std::string& child) {
  const std::string unable = "unable to delete " + std::string(reference) + " (cannot be forced): ";
  const auto all = ListIn(txn);
  const std::optional<Digest> made = all ? MadeOf(*all, id) : Digest::FromHex(child);
  if (made) {
    return Error(
        unable + "image " + made->hex().substr(0, 12) + " was made from it; remove that first",
        ExitCode::kInUse);
  }
  return Error(unable + "builds keep steps that were made from it", ExitCode::kInUse)
      .Because(Reason::kImageHasSteps);
}

}  // namespace

Result<std::vector<ImageListing>> Images::List() {
  std::vector<ImageListing> list;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(list, ListIn(txn));
    return {};
  }));
  std::stable_sort(list.begin(), list.end(), [](const ImageListing& a, const ImageListing& b) {
    return a.image.created > b.image.created;
  });
  return list;
}

Result<std::vector<RemovedImage>> Images::Remove(std::string_view reference,
                                                 const RemoveTerms& terms) {
  std::vector<RemovedImage> all_removed;
  VENEER_TRY_VOID(catalog_.Write([&](KvTxn& txn) -> Result<void> {
    all_removed = {RemovedImage{}};
    RemovedImage& removed = all_removed.front();
    VENEER_TRY(FoundImage found, FindImageIn(txn, reference));
    VENEER_TRY(const auto all, AllTags(txn));
    std::vector<std::string> tags;
    for (const auto& [tag, id] : all) {
      if (id == found.image.id.hex()) tags.push_back(tag);
    }
    const bool by_digest = reference.find('@') != std::string_view::npos;
    const bool by_id = found.tag.empty() && !by_digest;
    std::vector<std::string> named = tags;
    if (by_digest && !found.image.repo_digests.empty()) {
      named.clear();
    } else if (by_digest) {
      VENEER_TRY(named, TagsOfDigest(txn, reference, all));
      // The digest of a manifest may be that of several images; one goes at a time.
      std::erase_if(named, [&](const std::string& tag) {
        return std::find(tags.begin(), tags.end(), tag) == tags.end();
      });
    } else if (!by_id) {
      named = {found.tag};
    }
    removed.untagged = named;
    const std::vector<std::string> digests =
        TakeDigests(&found.image, reference, by_digest, by_id, named, tags);
    removed.untagged.insert(removed.untagged.end(), digests.begin(), digests.end());
    if (by_digest && digests.empty()) {
      removed.untagged.push_back(RepositoryOf(found.tag) +
                                 std::string(reference.substr(reference.find('@'))));
    }
    if (named.size() < tags.size() || !found.image.repo_digests.empty()) {
      for (const std::string& tag : named) VENEER_TRY_VOID(txn.Erase(TagKey(tag)));
      return txn.Put(ImageKey(found.image.id), EncodeImage(found.image));
    }
    VENEER_TRY(const std::optional<std::string> child, ChildOf(txn, found.image.id, false));
    if (by_id && child) {
      return tl::unexpected(HasChildren(txn, reference, found.image.id, *child));
    }
    if (by_id && tags.size() > std::max<size_t>(terms.names, 1) && !terms.force) {
      return tl::unexpected(Error("unable to delete " + std::string(reference) +
                                      " (must be forced): the image has several names (" + tags[0] +
                                      ", " + tags[1] + (tags.size() > 2 ? ", …" : "") + ")",
                                  ExitCode::kInUse)
                                .Because(Reason::kImageHasNames));
    }
    VENEER_TRY(const std::optional<std::string> user, UserOf(txn, found.image.id));
    if (user) {
      return tl::unexpected(Error("unable to delete " + std::string(reference) +
                                      " (cannot be forced): the image is being used by container " +
                                      *user,
                                  ExitCode::kInUse)
                                .Because(Reason::kImageInUse, *user));
    }
    for (const std::string& tag : tags) VENEER_TRY_VOID(txn.Erase(TagKey(tag)));
    if (child) return {};  // it goes with the last of them
    VENEER_TRY_VOID(Erase(txn, found.image, &removed));
    std::optional<Digest> parent = terms.keep_parents ? std::nullopt : found.image.parent;
    while (parent) {
      VENEER_TRY(const std::optional<ImageRecord> image, GetImage(txn, *parent));
      if (!image) break;
      VENEER_TRY(const bool left_over, IsLeftOver(txn, *parent));
      if (!left_over) break;
      VENEER_TRY_VOID(Erase(txn, *image, &all_removed.emplace_back()));
      parent = image->parent;
    }
    return {};
  }));
  return all_removed;
}

}  // namespace veneer
