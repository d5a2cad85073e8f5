// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/docker_archive_writer.h"

#include <memory>
#include <string>

#include "tools/archive/tar_members.h"
#include "tools/oci/compose.h"

namespace veneer {

namespace {

std::string ConfigPath(const ImageToSave& image) { return image.record.id.hex() + ".json"; }
std::string LayerPath(const Digest& diff_id) { return diff_id.hex() + ".tar"; }

Result<void> WriteDocuments(const SaveInput& input, TarMembers& members) {
  std::vector<DockerImage> images;
  std::vector<DockerName> names;
  for (const ImageToSave& image : input.images) {
    DockerImage& entry = images.emplace_back();
    entry.config = ConfigPath(image);
    entry.tags = image.tags;
    for (const Digest& layer : image.record.diff_ids) entry.layers.push_back(LayerPath(layer));
    // Readers of "repositories" go by the top layer, so an image without one is not for them.
    if (image.record.diff_ids.empty()) continue;
    for (const std::string& tag : image.tags) {
      names.push_back({tag, image.record.diff_ids.back().hex()});
    }
  }
  VENEER_TRY_VOID(members.File("manifest.json", ComposeDockerManifest(images)));
  if (!names.empty()) VENEER_TRY_VOID(members.File("repositories", ComposeRepositories(names)));
  for (const ImageToSave& image : input.images) {
    VENEER_TRY_VOID(members.File(ConfigPath(image), image.config));
  }
  return {};
}

}  // namespace

Result<void> WriteDockerArchive(const SaveInput& input, ArchiveOutput& output) {
  const std::unique_ptr<Compressor> compressor = Compressor::Create(input.compression);
  const auto write = [&](std::string_view bytes) { return output.Write(bytes); };
  const auto compress = [&](std::string_view bytes) { return compressor->Write(bytes, write); };
  TarMembers members(compress);
  VENEER_TRY_VOID(WriteDocuments(input, members));
  for (const Digest& layer : input.layers) {
    VENEER_TRY(const uint64_t size, LayerTarSize(input.store, layer));
    VENEER_TRY_VOID(members.Begin(LayerPath(layer), size));
    VENEER_TRY_VOID(WriteLayer(input, layer, compress));
    VENEER_TRY_VOID(members.End());
  }
  VENEER_TRY_VOID(members.Finish());
  return compressor->Finish(write);
}

}  // namespace veneer
