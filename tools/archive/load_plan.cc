// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/load_plan.h"

#include <algorithm>
#include <utility>

namespace veneer {

namespace {

// An archive that has one image of each name gives them whatever platform they are for, unless a
// person asks for one.
Result<std::vector<PlannedImage>> OnlyWanted(std::vector<PlannedImage> images,
                                             const PlatformWish& wish) {
  if (!wish.asked) return images;
  std::string there;
  std::erase_if(images, [&](const PlannedImage& image) {
    const Platform platform = PlatformOf(image.parsed);
    if (PlatformFit(wish.platform, platform) > 0) return false;
    there += (there.empty() ? "" : ", ") + platform.ToString();
    return true;
  });
  if (!images.empty()) return images;
  return MakeError("it has no image for " + wish.platform.ToString() + ", only for " + there,
                   ExitCode::kNotFound);
}

}  // namespace

Result<void> TakeConfig(std::string config, PlannedImage* image) {
  const std::string& name = image->config_name;
  Result<ImageConfig> parsed = ParseImageConfig(config);
  if (!parsed) return tl::unexpected(std::move(parsed).error().Context(name));
  const size_t told = parsed->diff_ids.size();
  if (told != image->layers.size()) {
    return MakeError(name + ": \"diff_ids\" has " + std::to_string(told) +
                     " items, but the image has " + std::to_string(image->layers.size()) +
                     " layers");
  }
  for (size_t i = 0; i < told; ++i) image->layers[i].diff_id = parsed->diff_ids[i];
  image->parsed = *std::move(parsed);
  image->parsed.document = Json();
  image->config = std::move(config);
  return {};
}

Platform PlatformOf(const ImageConfig& config) {
  return {config.os, config.architecture, config.variant};
}

Result<std::vector<PlannedImage>> PlanLoad(ImageSource& source, const PlatformWish& wish) {
  VENEER_TRY(const std::vector<std::string> names, source.TopNames());
  const auto has = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (has("manifest.json")) {
    VENEER_TRY(std::vector<PlannedImage> images, PlanDockerArchive(source));
    return OnlyWanted(std::move(images), wish);
  }
  if (has("index.json") || has("oci-layout")) return PlanOciLayout(source, wish);
  const bool legacy = has("repositories") || std::ranges::any_of(names, [](const auto& name) {
                        return Digest::FromHex(name).has_value();
                      });
  if (legacy) {
    VENEER_TRY(std::vector<PlannedImage> images, PlanLegacyArchive(source));
    return OnlyWanted(std::move(images), wish);
  }
  return tl::unexpected(
      Error("not an image archive: it has no manifest.json, index.json or repositories")
          .Because(Reason::kNotAnImageArchive));
}

}  // namespace veneer
