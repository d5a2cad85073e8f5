// SPDX-License-Identifier: Apache-2.0
//
// Finding images by what users call them, inside a transaction of the catalog. For Images, and for
// nobody else.
//
// Thread-safe as far as the transaction is.
#ifndef VENEER_LAYERDB_CATALOG_IMAGE_LOOKUP_H_
#define VENEER_LAYERDB_CATALOG_IMAGE_LOOKUP_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"

namespace veneer {

class KvTxn;

// "name:tag" without the tag.
std::string RepositoryOf(std::string_view tag);

// A record of the catalog; one that is damaged is an error that says what to do.
Result<ImageRecord> ParseImage(std::string_view key, std::string_view value);
// nullopt: there is none.
Result<std::optional<ImageRecord>> GetImage(const KvTxn& txn, const Digest& id);

// All tags, with the hex id that each names.
Result<std::map<std::string, std::string>> AllTags(const KvTxn& txn);
// The tags that name[:tag]@sha256:… stands for: those of this name (and this tag) whose image has
// the digest. `all`: AllTags().
Result<std::vector<std::string>> TagsOfDigest(const KvTxn& txn, std::string_view reference,
                                              const std::map<std::string, std::string>& all);

// "debian:12@sha256:…" as ImageRecord::repo_digests has it: "debian@sha256:…". Empty: it has no
// digest, or is no reference.
std::string RepoDigestOf(std::string_view reference);

// Images::Find().
Result<FoundImage> FindImageIn(const KvTxn& txn, std::string_view reference);

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_IMAGE_LOOKUP_H_
