// SPDX-License-Identifier: Apache-2.0
//
// The archive that `docker save` writes since 1.10: manifest.json lists the images, each with the
// path of its config and those of its layers. The same since Docker 25, where the paths are those
// of an OCI image layout beside it, and from podman and skopeo.
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/archive/load_plan.h"

namespace veneer {

namespace {

constexpr const char* kManifest = "manifest.json";

// What a path says of the bytes there: "blobs/sha256/HEX" is their digest.
std::optional<Digest> DigestOfPath(const std::string& path) {
  constexpr std::string_view kBlobs = "blobs/sha256/";
  if (!path.starts_with(kBlobs)) return std::nullopt;
  return Digest::FromHex(std::string_view(path).substr(kBlobs.size()));
}

// A config is also called by its digest as "HEX.json".
std::optional<Digest> DigestOfConfig(const std::string& path) {
  constexpr std::string_view kJson = ".json";
  if (!path.ends_with(kJson)) return DigestOfPath(path);
  return Digest::FromHex(std::string_view(path).substr(0, path.size() - kJson.size()));
}

Result<void> ReadTags(const DockerImage& said, PlannedImage* image) {
  for (const std::string& tag : said.tags) {
    Result<Reference> reference = ParseReference(tag);
    if (!reference) {
      return MakeError("\"RepoTags\": " + reference.error().message());
    }
    if (reference->digest || !reference->tag) {
      return MakeError("\"RepoTags\": '" + PrintablePath(tag) + "' is not NAME:TAG");
    }
    image->tags.push_back(reference->TagName());
  }
  return {};
}

Result<void> ReadLayers(ImageSource& source, const DockerImage& said, PlannedImage* image) {
  for (const std::string& path : said.layers) {
    const Result<SourceFile> file = source.Open(path);
    if (!file) {
      return MakeError("\"Layers\", item " + std::to_string(image->layers.size() + 1) + ": " +
                       file.error().message());
    }
    image->layers.push_back({path, std::nullopt, DigestOfPath(path)});
  }
  return {};
}

Result<PlannedImage> PlanImage(ImageSource& source, const DockerImage& said) {
  PlannedImage image;
  image.config_name = PrintablePath(said.config);
  VENEER_TRY_VOID(ReadTags(said, &image));
  VENEER_TRY_VOID(ReadLayers(source, said, &image));
  Result<std::string> config = source.Read(said.config);
  if (!config) return tl::unexpected(std::move(config).error().Context("\"Config\""));
  const std::optional<Digest> promised = DigestOfConfig(said.config);
  if (const Digest digest = Digest::OfBytes(*config); promised && *promised != digest) {
    return MakeError("\"Config\": " + said.config + " has another digest, " + digest.ToString());
  }
  VENEER_TRY_VOID(TakeConfig(*std::move(config), &image));
  return image;
}

}  // namespace

Result<std::vector<PlannedImage>> PlanDockerArchive(ImageSource& source) {
  VENEER_TRY(const std::string text, source.Read(kManifest));
  Result<std::vector<DockerImage>> listed = ParseDockerManifest(text);
  if (!listed) return tl::unexpected(std::move(listed).error().Context(kManifest));
  std::vector<PlannedImage> images;
  for (const DockerImage& said : *listed) {
    Result<PlannedImage> image = PlanImage(source, said);
    if (!image) {
      return tl::unexpected(std::move(image).error().Context(std::string(kManifest) + ": image " +
                                                             std::to_string(images.size() + 1)));
    }
    images.push_back(*std::move(image));
  }
  return images;
}

}  // namespace veneer
