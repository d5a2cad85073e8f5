// SPDX-License-Identifier: Apache-2.0
//
// The OCI image config (image-spec, config.md): reading it strictly, and making the config of a new
// image. The image id is the SHA-256 of its bytes, so nothing here is left to chance: equal input,
// equal bytes.
//
// Pure functions.
#ifndef VENEER_TOOLS_OCI_CONFIG_H_
#define VENEER_TOOLS_OCI_CONFIG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "tools/format/json.h"
#include "tools/oci/platform.h"

namespace veneer {

// Where a program is looked for when the image does not say, as in Docker and podman.
inline constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct HistoryEntry {
  std::optional<Timestamp> created;
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;
};

// What a command needs to know of a config; everything else stays in `document` untouched.
struct ImageConfig {
  std::optional<Timestamp> created;
  std::string author;
  std::string architecture;
  std::string os;
  std::string variant;
  // What a container runs, and how.
  std::string user;
  std::string working_dir;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  // Bottom first.
  std::vector<Digest> diff_ids;
  std::vector<HistoryEntry> history;

  Json document;
};

// Reads a config. Fails when it is no bounded JSON, when a field has another type than the
// specification says, or when a digest is not one. The history only informs: it may tell of fewer
// or more layers than there are, as apko, Bazel and nix2container write it.
Result<ImageConfig> ParseImageConfig(std::string_view text);

// The history as it is shown, oldest first: its items belong to the lowest layers, each layer that
// it does not tell of gets a bare one, and what is told of layers that are not there has none.
std::vector<HistoryEntry> StepsOf(const ImageConfig& config);

// What one new layer adds to a config.
struct NewLayer {
  std::optional<Digest> diff_id;  // nullopt: the step changed the config alone
  Timestamp created;
  std::string created_by;
  std::string author;
  std::string comment;
};

// The config of an image of one layer. `runtime`: its "config" object.
std::string ComposeImage(const NewLayer& layer, const Platform& platform,
                         const Json& runtime = Json::object());

// The config of `parent` with one layer more. Fields that Veneer does not know stay as they are; an
// author that is not given stays the parent's. A step without a layer leaves the time of creation
// as it is where there is one, as BuildKit does, and history as it is where it says nothing.
std::string ComposeChild(const ImageConfig& parent, const NewLayer& layer);

// The config of `image`, which was made of `base`, with one layer in place of all that it has above
// it, as with Docker's --squash: the items of its history above the base stay as those of empty
// layers, and `layer` is one more.
std::string ComposeSquashed(const ImageConfig& base, const ImageConfig& image,
                            const NewLayer& layer);

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_CONFIG_H_
