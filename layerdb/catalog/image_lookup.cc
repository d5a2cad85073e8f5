// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/image_lookup.h"

#include <algorithm>

#include "layerdb/catalog/records.h"
#include "layerdb/index/kv.h"
#include "layerdb/model/reference.h"

namespace veneer {
namespace {

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

tl::unexpected<Error> NoSuchImage(std::string_view reference) {
  return MakeError("no such image: " + std::string(reference), ExitCode::kNotFound);
}

// The images that have this blob, such as a manifest, beside their config.
Result<std::vector<ImageRecord>> ImagesOfBlob(const KvTxn& txn, std::string_view hex) {
  std::vector<ImageRecord> found;
  RecordReferences record;
  VENEER_TRY_VOID(txn.Scan(kImagePrefix, [&](std::string_view, std::string_view value) {
    if (!ReadImageReferences(value, &record)) return true;
    if (std::find(record.blobs.begin(), record.blobs.end(), hex) == record.blobs.end()) return true;
    if (std::optional<ImageRecord> image = DecodeImage(value)) found.push_back(std::move(*image));
    return true;
  }));
  return found;
}

}  // namespace

std::string RepositoryOf(std::string_view tag) {
  return std::string(tag.substr(0, tag.rfind(':')));
}

Result<ImageRecord> ParseImage(std::string_view key, std::string_view value) {
  std::optional<ImageRecord> image = DecodeImage(value);
  if (!image) {
    return DamageError("catalog record " + std::string(key) + " is damaged");
  }
  return std::move(*image);
}

Result<std::optional<ImageRecord>> GetImage(const KvTxn& txn, const Digest& id) {
  const std::string key = ImageKey(id);
  VENEER_TRY(const auto value, txn.Get(key));
  if (!value) return std::nullopt;
  VENEER_TRY(ImageRecord image, ParseImage(key, *value));
  return image;
}

Result<std::map<std::string, std::string>> AllTags(const KvTxn& txn) {
  std::map<std::string, std::string> tags;
  VENEER_TRY_VOID(txn.Scan(kTagPrefix, [&](std::string_view key, std::string_view value) {
    tags.emplace(key.substr(kTagPrefix.size()), value);
    return true;
  }));
  return tags;
}

Result<std::vector<std::string>> TagsOfDigest(const KvTxn& txn, std::string_view reference,
                                              const std::map<std::string, std::string>& all) {
  const size_t at = reference.find('@');
  const std::string_view name = reference.substr(0, at);
  const std::optional<Digest> digest = Digest::Parse(reference.substr(at + 1));
  const Result<std::string> wanted = NormalizeTag(name);
  std::vector<std::string> tags;
  if (!digest || !wanted) return tags;
  const size_t slash = name.rfind('/');
  const bool tagged =
      name.find(':', slash == std::string_view::npos ? 0 : slash) != std::string_view::npos;
  RecordReferences record;
  for (const auto& [tag, id] : all) {
    if (tagged ? tag != *wanted : RepositoryOf(tag) != RepositoryOf(*wanted)) continue;
    VENEER_TRY(const auto value, txn.Get(std::string(kImagePrefix) + id));
    if (!value || !ReadImageReferences(*value, &record)) continue;
    // What a registry has given a name to is called so alone.
    const std::optional<ImageRecord> image = DecodeImage(*value);
    if (image && !image->repo_digests.empty()) continue;
    const bool has =
        record.image == digest->hex() ||
        std::find(record.blobs.begin(), record.blobs.end(), digest->hex()) != record.blobs.end();
    if (has) tags.push_back(tag);
  }
  return tags;
}

std::string RepoDigestOf(std::string_view reference) {
  const Result<Reference> parsed = ParseReference(reference);
  if (!parsed || !parsed->digest) return {};
  return parsed->Repository() + "@" + parsed->digest->ToString();
}

namespace {

// The image that a registry calls so: the name of a repository, perhaps with a tag, and a digest.
Result<std::optional<FoundImage>> FindByRepoDigest(const KvTxn& txn, std::string_view reference,
                                                   const std::map<std::string, std::string>& tags) {
  const std::string wanted = RepoDigestOf(reference);
  std::optional<FoundImage> found;
  VENEER_TRY_VOID(txn.Scan(kImagePrefix, [&](std::string_view, std::string_view value) {
    std::optional<ImageRecord> image = DecodeImage(value);
    if (!image || std::ranges::find(image->repo_digests, wanted) == image->repo_digests.end()) {
      return true;
    }
    found = FoundImage{*std::move(image), ""};
    return false;
  }));
  if (!found) return found;
  for (const auto& [tag, id] : tags) {
    const bool same = RepositoryOf(tag) == wanted.substr(0, wanted.find('@'));
    if (same && id == found->image.id.hex()) found->tag = tag;
  }
  return found;
}

}  // namespace

Result<FoundImage> FindImageIn(const KvTxn& txn, std::string_view reference) {
  VENEER_TRY(const auto tags, AllTags(txn));
  if (reference.find('@') != std::string_view::npos) {
    VENEER_TRY(std::optional<FoundImage> found, FindByRepoDigest(txn, reference, tags));
    if (found) return *std::move(found);
    VENEER_TRY(const std::vector<std::string> named, TagsOfDigest(txn, reference, tags));
    if (named.empty()) return NoSuchImage(reference);
    return FindImageIn(txn, named.front());
  }
  if (const Result<std::string> tag = NormalizeTag(reference); tag) {
    if (const auto at = tags.find(*tag); at != tags.end()) {
      const std::optional<Digest> id = Digest::FromHex(at->second);
      if (!id) return DamageError("catalog: tag " + *tag + " is damaged");
      VENEER_TRY(std::optional<ImageRecord> image, GetImage(txn, *id));
      if (!image) {
        return DamageError("catalog: tag " + *tag + " names an image that is not there");
      }
      return FoundImage{std::move(*image), *tag};
    }
  }
  std::string_view hex = reference;
  if (hex.starts_with("sha256:")) hex.remove_prefix(7);
  if (hex.empty() || !IsHex(hex)) return NoSuchImage(reference);
  std::vector<ImageRecord> found;
  Result<void> parsed;
  VENEER_TRY_VOID(txn.Scan(std::string(kImagePrefix).append(hex),
                           [&](std::string_view key, std::string_view value) {
                             Result<ImageRecord> image = ParseImage(key, value);
                             if (!image) {
                               parsed = tl::unexpected(std::move(image).error());
                               return false;
                             }
                             found.push_back(std::move(*image));
                             return true;
                           }));
  VENEER_TRY_VOID(parsed);
  if (found.empty() && Digest::FromHex(hex)) {
    VENEER_TRY(found, ImagesOfBlob(txn, hex));
  }
  if (found.empty()) return NoSuchImage(reference);
  if (found.size() > 1) {
    return MakeError("image id " + std::string(reference) + " is ambiguous: it begins " +
                     std::to_string(found.size()) + " ids");
  }
  return FoundImage{std::move(found[0]), ""};
}

}  // namespace veneer
