// SPDX-License-Identifier: Apache-2.0
//
// The documents of an image that leaves the store: those of the OCI image layout (image-spec,
// manifest.md, image-index.md, image-layout.md) and those of an archive of `docker save`. Equal
// input, equal bytes. Pure functions.
#ifndef VENEER_TOOLS_OCI_COMPOSE_H_
#define VENEER_TOOLS_OCI_COMPOSE_H_

#include <map>
#include <string>
#include <vector>

#include "tools/oci/types.h"

namespace veneer {

// Metadata beside an image (image-spec, annotations.md): in its manifest, and where an index or a
// layout names the manifest.
struct Annotations {
  std::map<std::string, std::string> manifest;
  std::map<std::string, std::string> descriptor;

  bool empty() const { return manifest.empty() && descriptor.empty(); }
};

// The manifest of one image, layers bottom first; their media types may be those of Docker.
std::string ComposeManifest(const Descriptor& config, const std::vector<Descriptor>& layers,
                            const std::map<std::string, std::string>& annotations = {});

// The manifest `original`, which ParseImageDocument() has read, with these layers in place of its
// own: everything else stays, annotations of layers included but for those that describe the bytes
// of a blob that is another one now. The media types of the layers are those of the form that
// `original` has.
std::string ComposeManifestLike(const std::string& original, const std::vector<Descriptor>& layers);

// The media type of a manifest: what it says itself, or else OCI's.
std::string ManifestTypeOf(const std::string& manifest);

// A manifest and the names under which it is found ("debian:12").
struct NamedManifest {
  Descriptor manifest;
  std::vector<std::string> tags;
  std::map<std::string, std::string> annotations = {};  // of each entry, beside the names
};

// index.json: one entry for each name. A name stands there twice: as the annotation
// io.containerd.image.name in full ("docker.io/library/debian:12"), which Docker, containerd and
// podman look at first, and as org.opencontainers.image.ref.name the tag alone ("12"), which skopeo
// and umoci choose by. Where two names have the same tag, so that it would choose nothing, the
// latter is the name with its tag ("debian:12").
std::string ComposeIndex(const std::vector<NamedManifest>& manifests);

// The file oci-layout.
std::string ComposeOciLayout();

// manifest.json. RepoTags is null for an image without names.
std::string ComposeDockerManifest(const std::vector<DockerImage>& images);

// The file `repositories`, for readers from before manifest.json: repository, tag, id of the top
// layer.
struct DockerName {
  std::string tag;  // "debian:12"
  std::string top_layer;
};
std::string ComposeRepositories(const std::vector<DockerName>& names);

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_COMPOSE_H_
