// SPDX-License-Identifier: Apache-2.0
//
// What the documents of OCI layouts (image-spec, descriptor.md, media-types.md) and of `docker
// save` consist of, for those who read them (documents.h, docker_documents.h) and those who write
// them (compose.h). Values only.
#ifndef VENEER_TOOLS_OCI_TYPES_H_
#define VENEER_TOOLS_OCI_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/blob_digest.h"
#include "tools/oci/platform.h"

namespace veneer {

inline constexpr const char* kOciManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kOciIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* kOciConfigType = "application/vnd.oci.image.config.v1+json";
// Of a tar archive as it is; "+gzip" or "+zstd" comes behind it.
inline constexpr const char* kOciLayerType = "application/vnd.oci.image.layer.v1.tar";
inline constexpr const char* kDockerManifestType =
    "application/vnd.docker.distribution.manifest.v2+json";
// The same of Docker's schema 2; ".gzip" comes behind it.
inline constexpr const char* kDockerLayerType = "application/vnd.docker.image.rootfs.diff.tar";

struct Descriptor {
  std::string media_type;  // empty: not said
  BlobDigest digest;
  uint64_t size = 0;
  std::optional<Platform> platform = std::nullopt;
  std::string ref_name = {};       // org.opencontainers.image.ref.name
  std::string image_name = {};     // io.containerd.image.name
  bool attestation = false;        // speaks of another image: nothing to run
  std::string artifact_type = {};  // of what is no image
};

// One item of manifest.json of `docker save`; paths of members.
struct DockerImage {
  std::string config;
  std::vector<std::string> tags;    // "debian:12"
  std::vector<std::string> layers;  // bottom first
};

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_TYPES_H_
