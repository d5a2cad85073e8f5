// SPDX-License-Identifier: Apache-2.0
//
// An OCI image layout (image-spec, image-layout.md): index.json leads to manifests, through further
// indexes where an image is there for several platforms; all else is a blob under its digest.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/archive/load_plan.h"
#include "tools/oci/documents.h"

namespace veneer {

namespace {

constexpr const char* kIndex = "index.json";
constexpr int kMaxNesting = 4;
// Indexes of indexes must not make more work than their bytes say.
constexpr size_t kMaxChoices = 10'000;

// A manifest that may be what is wanted, with the document that named it for errors.
struct Choice {
  Descriptor manifest;
  std::string from;
};

// The choices of which one becomes an image.
struct Group {
  std::vector<std::string> tags;
  std::vector<Choice> choices;
};

// A name that the store can keep, from an annotation, whose grammar is wider.
std::optional<std::string> TagOf(const std::string& name) {
  const Result<Reference> reference = ParseReference(name);
  if (!reference || reference->digest) return std::nullopt;
  return reference->TagName();
}

std::vector<std::string> TagsOf(const Descriptor& entry) {
  // With the whole name beside it, ref.name is only the tag of it.
  const std::string& name = entry.image_name.empty() ? entry.ref_name : entry.image_name;
  const std::optional<std::string> tag = TagOf(name);
  return tag ? std::vector<std::string>{*tag} : std::vector<std::string>();
}

class Planner {
 public:
  Planner(ImageSource& source, const PlatformWish& wish) : source_(source), wish_(wish) {}
  Result<std::vector<PlannedImage>> Plan();

 private:
  Result<void> CheckBlob(const Descriptor& descriptor, const std::string& from);
  Result<std::string> ReadBlob(const Descriptor& descriptor, const std::string& from);
  Result<ImageDocument> ReadDocument(const Descriptor& descriptor, const std::string& from);
  Result<std::vector<Group>> ReadGroups();
  Result<void> Collect(const Descriptor& descriptor, const std::string& from, int depth,
                       std::vector<Choice>* choices);
  bool IsArtifact(const Descriptor& descriptor, const std::string& from);
  Result<Platform> PlatformOfChoice(const Choice& choice);
  Result<std::optional<Choice>> Choose(const Group& group);
  Result<PlannedImage> PlanImage(const Choice& choice);

  ImageSource& source_;
  const PlatformWish& wish_;
  size_t collected_ = 0;
  std::set<std::string> not_chosen_;       // platforms
  std::map<std::string, bool> artifacts_;  // what is known of manifests, by digest
  std::string passed_over_;                // the first artifact, and why it is one
};

// The file is there and has the size that is said.
Result<void> Planner::CheckBlob(const Descriptor& descriptor, const std::string& from) {
  const std::string name = descriptor.digest.Path();
  Result<SourceFile> file = source_.Open(name);
  if (!file) return tl::unexpected(std::move(file).error().Context(from));
  if (file->size == descriptor.size) return {};
  return MakeError(from + ": \"size\" of " + descriptor.digest.ToString() + " is " +
                   std::to_string(descriptor.size) + ", but " + name + " has " +
                   std::to_string(file->size) + " bytes");
}

Result<std::string> Planner::ReadBlob(const Descriptor& descriptor, const std::string& from) {
  VENEER_TRY_VOID(CheckBlob(descriptor, from));
  const std::string name = descriptor.digest.Path();
  Result<std::string> bytes = source_.Read(name);
  if (!bytes) return tl::unexpected(std::move(bytes).error().Context(from));
  const BlobDigest digest = BlobDigest::OfBytes(descriptor.digest.algorithm(), *bytes);
  if (digest != descriptor.digest) {
    return MakeError(name + " has another digest, " + digest.ToString());
  }
  return bytes;
}

Result<ImageDocument> Planner::ReadDocument(const Descriptor& descriptor, const std::string& from) {
  VENEER_TRY(const std::string text, ReadBlob(descriptor, from));
  Result<ImageDocument> document = ParseImageDocument(text, descriptor.media_type);
  if (!document) {
    return tl::unexpected(std::move(document).error().Context(descriptor.digest.Path()));
  }
  return document;
}

Result<void> Planner::Collect(const Descriptor& descriptor, const std::string& from, int depth,
                              std::vector<Choice>* choices) {
  if (descriptor.attestation) return {};
  if (++collected_ > kMaxChoices) {
    return MakeError(std::string(kIndex) + ": more than " + std::to_string(kMaxChoices) +
                     " manifests");
  }
  DocumentKind kind = KindOfMediaType(descriptor.media_type);
  if (kind == DocumentKind::kUnknown && !descriptor.media_type.empty()) return {};  // no image
  if (kind == DocumentKind::kManifest) {
    if (!IsArtifact(descriptor, from)) choices->push_back({descriptor, from});
    return {};
  }
  VENEER_TRY(const ImageDocument document, ReadDocument(descriptor, from));
  const auto* index = std::get_if<ImageIndex>(&document);
  if (index == nullptr) {
    if (!IsArtifact(descriptor, from)) choices->push_back({descriptor, from});
    return {};
  }
  const std::string name = descriptor.digest.Path();
  if (depth == kMaxNesting) return MakeError(name + ": an index within too many others");
  for (const Descriptor& inner : index->manifests) {
    VENEER_TRY_VOID(Collect(inner, name, depth + 1, choices));
  }
  return {};
}

// A manifest that is missing or cannot be read is no artifact: whoever chooses it is told so. An
// index may list images for platforms that are not here.
bool Planner::IsArtifact(const Descriptor& descriptor, const std::string& from) {
  const auto [known, is_new] = artifacts_.try_emplace(descriptor.digest.ToString(), false);
  if (!is_new) return known->second;
  std::string why;
  if (!descriptor.artifact_type.empty()) {
    why = "\"artifactType\" is " + PrintablePath(descriptor.artifact_type);
  } else if (const Result<ImageDocument> document = ReadDocument(descriptor, from)) {
    const auto* manifest = std::get_if<ImageManifest>(&*document);
    if (manifest != nullptr) why = manifest->artifact;
  }
  if (passed_over_.empty() && !why.empty()) {
    passed_over_ = descriptor.digest.Path() + ": " + why;
  }
  return known->second = !why.empty();
}

// One group for each name; one for all that have none but are for different platforms; and one each
// for what has neither.
Result<std::vector<Group>> Planner::ReadGroups() {
  VENEER_TRY(const std::string text, source_.Read(kIndex));
  Result<ImageDocument> document = ParseImageDocument(text, "");
  if (!document) return tl::unexpected(std::move(document).error().Context(kIndex));
  const auto* index = std::get_if<ImageIndex>(&*document);
  if (index == nullptr) return MakeError(std::string(kIndex) + ": not an index");
  std::set<std::string> platforms;
  bool distinct = true;
  for (const Descriptor& entry : index->manifests) {
    const bool nameless = entry.ref_name.empty() && entry.image_name.empty();
    if (!nameless || entry.attestation || !entry.platform) continue;
    distinct = platforms.insert(entry.platform->ToString()).second && distinct;
  }
  std::vector<Group> groups;
  std::map<std::string, size_t> by_key;
  for (const Descriptor& entry : index->manifests) {
    std::string key = entry.image_name + "\n" + entry.ref_name;
    if (key == "\n" && !(entry.platform && distinct)) key += "\n" + std::to_string(groups.size());
    const auto [at, is_new] = by_key.try_emplace(key, groups.size());
    if (is_new) groups.push_back({TagsOf(entry), {}});
    VENEER_TRY_VOID(Collect(entry, kIndex, 0, &groups[at->second].choices));
  }
  return groups;
}

Result<Platform> Planner::PlatformOfChoice(const Choice& choice) {
  if (choice.manifest.platform) return *choice.manifest.platform;
  VENEER_TRY(const PlannedImage image, PlanImage(choice));
  return PlatformOf(image.parsed);
}

Result<std::optional<Choice>> Planner::Choose(const Group& group) {
  const bool alone = std::ranges::all_of(group.choices, [&](const Choice& choice) {
    return choice.manifest.digest == group.choices.front().manifest.digest;
  });
  if (alone && !wish_.asked) return std::optional<Choice>(group.choices.front());
  int best = 0;
  std::optional<Choice> chosen;
  for (const Choice& choice : group.choices) {
    VENEER_TRY(const Platform platform, PlatformOfChoice(choice));
    const int fit = PlatformFit(wish_.platform, platform);
    if (fit == 0) not_chosen_.insert(platform.ToString());
    if (fit <= best) continue;
    best = fit;
    chosen = choice;
  }
  return chosen;
}

Result<PlannedImage> Planner::PlanImage(const Choice& choice) {
  VENEER_TRY(std::string text, ReadBlob(choice.manifest, choice.from));
  const std::string name = choice.manifest.digest.Path();
  Result<ImageDocument> document = ParseImageDocument(text, choice.manifest.media_type);
  if (!document) return tl::unexpected(std::move(document).error().Context(name));
  const auto* manifest = std::get_if<ImageManifest>(&*document);
  if (manifest == nullptr) return MakeError(name + ": not a manifest");
  // It is the id of the image.
  if (manifest->config.digest.algorithm() != BlobDigest::Algorithm::kSha256) {
    return MakeError(name +
                     ": \"config\": \"digest\" is not sha256: and 64 lower-case hex digits: " +
                     manifest->config.digest.ToString());
  }
  PlannedImage image;
  image.config_name = manifest->config.digest.Path();
  for (const Descriptor& layer : manifest->layers) {
    const std::string item = name + ": \"layers\", item " + std::to_string(image.layers.size() + 1);
    if (!IsLayerMediaType(layer.media_type)) {
      return MakeError(item + ": \"mediaType\" is not that of a layer: " +
                       (layer.media_type.empty() ? "missing" : layer.media_type));
    }
    VENEER_TRY_VOID(CheckBlob(layer, item));
    image.layers.push_back({layer.digest.Path(), std::nullopt, layer.digest});
  }
  VENEER_TRY(std::string config, ReadBlob(manifest->config, name + ": \"config\""));
  VENEER_TRY_VOID(TakeConfig(std::move(config), &image));
  image.blobs.push_back(std::move(text));
  return image;
}

Result<std::vector<PlannedImage>> Planner::Plan() {
  VENEER_TRY(const std::string layout, source_.Read("oci-layout"));
  if (auto checked = CheckImageLayout(layout); !checked) {
    return tl::unexpected(std::move(checked).error().Context("oci-layout"));
  }
  VENEER_TRY(const std::vector<Group> groups, ReadGroups());
  std::vector<PlannedImage> images;
  for (const Group& group : groups) {
    if (group.choices.empty()) continue;
    VENEER_TRY(const std::optional<Choice> choice, Choose(group));
    if (!choice) continue;
    VENEER_TRY(PlannedImage image, PlanImage(*choice));
    image.tags = group.tags;
    images.push_back(std::move(image));
  }
  if (!images.empty()) return images;
  if (not_chosen_.empty()) {
    if (passed_over_.empty()) return MakeError(std::string(kIndex) + ": it lists no image");
    return MakeError(passed_over_ + ": an artifact, and " + kIndex + " lists no image beside it");
  }
  std::string there;
  for (const std::string& platform : not_chosen_) {
    there += (there.empty() ? "" : ", ") + platform;
  }
  return tl::unexpected(
      Error("it has no image for " + wish_.platform.ToString() + ", only for " + there,
            ExitCode::kNotFound)
          .Because(wish_.asked ? Reason::kOther : Reason::kOtherPlatforms));
}

}  // namespace

Result<std::vector<PlannedImage>> PlanOciLayout(ImageSource& source, const PlatformWish& wish) {
  return Planner(source, wish).Plan();
}

}  // namespace veneer
