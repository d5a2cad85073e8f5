// SPDX-License-Identifier: Apache-2.0
//
// Reference: the name of an image as a person writes it, after the grammar of the distribution
// project (reference.md: [domain[:port]/]path[:tag][@digest]) with Docker's short forms: "debian"
// is docker.io/library/debian. Pure functions, no state.
#ifndef VENEER_LAYERDB_MODEL_REFERENCE_H_
#define VENEER_LAYERDB_MODEL_REFERENCE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"

namespace veneer {

inline constexpr std::string_view kDefaultDomain = "docker.io";

struct Reference {
  std::string domain;  // kDefaultDomain where none is written
  std::string path;    // "library/debian"
  std::optional<std::string> tag;
  std::optional<Digest> digest;

  // The repository in the short form: "debian", "example.org:5000/team/app".
  std::string Repository() const;
  // The short form with tag and digest, as far as they are there.
  std::string ToString() const;
  // The short form with a tag ("latest" where none is written): the key under which the store keeps
  // a name.
  std::string TagName() const;

  friend bool operator==(const Reference&, const Reference&) = default;
};

inline constexpr std::string_view kDefaultTag = "latest";

// Whether a text can be a tag (distribution-spec, "Pulling manifests"). Pure.
bool IsTag(std::string_view text);

// Reads a reference. Usage error with the rule that is broken; 64 hex digits are refused as a name,
// because they could not be told from an image id.
Result<Reference> ParseReference(std::string_view text);

// "debian:12" as (repository, tag); for the columns of `veneer images`. The tag is empty where
// there is none.
std::pair<std::string, std::string> SplitTagName(std::string_view tag_name);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_REFERENCE_H_
