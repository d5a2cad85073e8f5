// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/documents.h"

#include <algorithm>
#include <array>
#include <utility>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

constexpr uint64_t kMaxBlob = uint64_t{1} << 50;
// Far more than any image or index has.
constexpr size_t kMaxDescriptors = 4096;

constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";

constexpr std::array<std::string_view, 4> kLayerTypes = {
    kOciLayerType, "application/vnd.oci.image.layer.nondistributable.v1.tar", kDockerLayerType,
    "application/vnd.docker.image.rootfs.foreign.diff.tar"};
constexpr std::array<std::string_view, 5> kCompressions = {"", ".gzip", "+gzip", "+zstd", ".zstd"};

tl::unexpected<Error> In(Error error, const std::string& field) {
  return tl::unexpected(std::move(error).Context(field));
}

Result<uint64_t> ReadSize(const Json& object) {
  const auto size = object.find("size");
  if (size == object.end()) return MakeError("\"size\" is missing");
  if (!size->is_number_unsigned()) {
    return MakeError("\"size\" is not a number of bytes: " + Printable(size->dump().substr(0, 40)));
  }
  const auto bytes = size->get<uint64_t>();
  if (bytes > kMaxBlob) return MakeError("\"size\" is impossible: " + std::to_string(bytes));
  return bytes;
}

Result<std::optional<Platform>> ReadPlatform(const Json& object) {
  VENEER_TRY(const Json* platform, GetObject(object, "platform"));
  if (platform == nullptr) return std::optional<Platform>();
  Platform out;
  VENEER_TRY(out.os, GetStringOrEmpty(*platform, "os"));
  VENEER_TRY(out.architecture, GetStringOrEmpty(*platform, "architecture"));
  VENEER_TRY(out.variant, GetStringOrEmpty(*platform, "variant"));
  return std::optional<Platform>(std::move(out));
}

Result<Descriptor> ReadFields(const Json& object) {
  if (!object.is_object()) return MakeError("not an object");
  VENEER_TRY(const auto text, GetString(object, "digest"));
  if (!text) return MakeError("\"digest\" is missing");
  const std::optional<BlobDigest> digest = BlobDigest::Parse(*text);
  if (!digest) {
    const bool longer = text->starts_with("sha512:");
    return MakeError(std::string("\"digest\" is not ") +
                     (longer ? "sha512: and 128" : "sha256: and 64") +
                     " lower-case hex digits: " + QuotedExcerpt(*text));
  }
  Descriptor out{"", *digest, 0, {}, "", "", false};
  VENEER_TRY(out.media_type, GetStringOrEmpty(object, "mediaType"));
  VENEER_TRY(out.artifact_type, GetStringOrEmpty(object, "artifactType"));
  VENEER_TRY(out.size, ReadSize(object));
  VENEER_TRY(out.platform, ReadPlatform(object));
  VENEER_TRY(const Json* notes, GetObject(object, "annotations"));
  if (notes != nullptr) {
    VENEER_TRY(out.ref_name, GetStringOrEmpty(*notes, "org.opencontainers.image.ref.name"));
    VENEER_TRY(out.image_name, GetStringOrEmpty(*notes, "io.containerd.image.name"));
    out.attestation = notes->contains("vnd.docker.reference.type");
  }
  // BuildKit's attestations say so too.
  if (out.platform && out.platform->os == "unknown") out.attestation = true;
  return out;
}

Result<Descriptor> ReadDescriptor(const Json& object, const std::string& field) {
  Result<Descriptor> read = ReadFields(object);
  if (!read) return In(std::move(read).error(), field);
  return read;
}

Result<std::vector<Descriptor>> ReadDescriptors(const Json& document, const char* key) {
  VENEER_TRY(const Json* list, GetArray(document, key));
  if (list == nullptr) return MakeError(std::string("\"") + key + "\" is missing");
  if (list->size() > kMaxDescriptors) {
    return MakeError(std::string("\"") + key + "\" has more than " +
                     std::to_string(kMaxDescriptors) + " items");
  }
  std::vector<Descriptor> out;
  for (const Json& item : *list) {
    VENEER_TRY(Descriptor one, ReadDescriptor(item, "\"" + std::string(key) + "\", item " +
                                                        std::to_string(out.size() + 1)));
    out.push_back(std::move(one));
  }
  return out;
}

bool IsConfigMediaType(const std::string& type) {
  return type.empty() || type == kOciConfigType || type == kDockerConfig;
}

// What keeps it from being an image. Empty: nothing.
std::string OtherKind(const ImageManifest& manifest) {
  if (!IsConfigMediaType(manifest.config.media_type)) {
    return "\"config\": \"mediaType\" is not that of an image: " +
           Printable(manifest.config.media_type);
  }
  const auto other = std::ranges::find_if(manifest.layers, [](const Descriptor& layer) {
    return !layer.media_type.empty() && !IsLayerMediaType(layer.media_type);
  });
  if (other != manifest.layers.end()) {
    return "\"layers\", item " + std::to_string(other - manifest.layers.begin() + 1) +
           ": \"mediaType\" is not that of a layer: " + Printable(other->media_type);
  }
  return {};
}

// ImageManifest::artifact.
Result<std::string> ArtifactOf(const Json& document, const std::string& other_kind) {
  VENEER_TRY(const std::string type, GetStringOrEmpty(document, "artifactType"));
  if (!type.empty()) return "\"artifactType\" is " + Printable(type);
  if (!other_kind.empty()) return other_kind;
  VENEER_TRY(const Json* subject, GetObject(document, "subject"));
  return std::string(subject != nullptr ? "\"subject\": it speaks of another manifest" : "");
}

Result<ImageManifest> ReadManifest(const Json& document) {
  const auto config = document.find("config");
  if (config == document.end()) return MakeError("\"config\" is missing");
  VENEER_TRY(Descriptor descriptor, ReadDescriptor(*config, "\"config\""));
  VENEER_TRY(std::vector<Descriptor> layers, ReadDescriptors(document, "layers"));
  ImageManifest manifest{std::move(descriptor), std::move(layers)};
  const std::string other_kind = OtherKind(manifest);
  manifest.runnable = other_kind.empty();
  VENEER_TRY(manifest.artifact, ArtifactOf(document, other_kind));
  return manifest;
}

}  // namespace

DocumentKind KindOfMediaType(std::string_view media_type) {
  if (media_type == kOciManifestType || media_type == kDockerManifestType)
    return DocumentKind::kManifest;
  if (media_type == kOciIndexType || media_type == kDockerList) return DocumentKind::kIndex;
  return DocumentKind::kUnknown;
}

Result<ImageDocument> ParseImageDocument(std::string_view text, std::string_view media_type) {
  VENEER_TRY(const Json document, ParseJson(text));
  if (const auto version = document.find("schemaVersion");
      version != document.end() && *version != 2) {
    return MakeError("\"schemaVersion\" is not 2: only OCI and Docker's schema 2 are understood");
  }
  const bool manifest = document.contains("layers") || document.contains("config");
  const bool index = document.contains("manifests");
  if (manifest && index) {
    return MakeError("both a manifest (\"layers\") and an index (\"manifests\")");
  }
  if (!manifest && !index) {
    return MakeError("neither a manifest (\"layers\") nor an index (\"manifests\")");
  }
  // What is pushed later is sent under its own type.
  VENEER_TRY(const std::string own, GetStringOrEmpty(document, "mediaType"));
  if (!own.empty() && KindOfMediaType(own) == DocumentKind::kUnknown) {
    return MakeError("\"mediaType\" is that of no image: " + QuotedExcerpt(own));
  }
  const DocumentKind kind = manifest ? DocumentKind::kManifest : DocumentKind::kIndex;
  for (const std::string_view type : {std::string_view(own), media_type}) {
    const DocumentKind said = KindOfMediaType(type);
    if (said != DocumentKind::kUnknown && said != kind) {
      return MakeError("\"mediaType\" says " + std::string(type) + ", but it is " +
                       (manifest ? "a manifest" : "an index"));
    }
  }
  if (manifest) {
    VENEER_TRY(ImageManifest read, ReadManifest(document));
    return ImageDocument(std::move(read));
  }
  VENEER_TRY(std::vector<Descriptor> manifests, ReadDescriptors(document, "manifests"));
  return ImageDocument(ImageIndex{std::move(manifests)});
}

Result<void> CheckImageLayout(std::string_view text) {
  VENEER_TRY(const Json document, ParseJson(text));
  VENEER_TRY(const std::string version, GetStringOrEmpty(document, "imageLayoutVersion"));
  if (version.starts_with("1.")) return {};
  return MakeError("\"imageLayoutVersion\" is " + QuotedExcerpt(version) + ", 1.0.0 is understood");
}

bool IsForeignLayer(std::string_view media_type) {
  return media_type.find("foreign") != std::string_view::npos ||
         media_type.find("nondistributable") != std::string_view::npos;
}

bool IsLayerMediaType(std::string_view media_type) {
  return std::ranges::any_of(kLayerTypes, [&](std::string_view type) {
    return media_type.starts_with(type) &&
           std::ranges::find(kCompressions, media_type.substr(type.size())) != kCompressions.end();
  });
}

}  // namespace veneer
