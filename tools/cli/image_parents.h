// SPDX-License-Identifier: Apache-2.0
//
// Which image was made of which by a commit (ImageRecord::parent). Pure functions of a list of all
// images.
#ifndef VENEER_TOOLS_CLI_IMAGE_PARENTS_H_
#define VENEER_TOOLS_CLI_IMAGE_PARENTS_H_

#include <optional>
#include <set>
#include <vector>

#include "layerdb/catalog/images.h"

namespace veneer {

// nullopt: it was not made by a commit, or what it was made of is gone.
std::optional<ImageRecord> ParentOf(const ImageRecord& image, const std::vector<ImageListing>& all);

// Images without a name that others were made of, or that are the steps of a build: Docker's
// intermediate images, which are neither listed nor dangling.
std::set<Digest> IntermediateImages(const std::vector<ImageListing>& all);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_IMAGE_PARENTS_H_
