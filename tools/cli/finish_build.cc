// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/finish_build.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include "layerdb/catalog/images.h"
#include "tools/build/build_output.h"
#include "tools/build/step_export.h"
#include "tools/cli/pull_image.h"

namespace veneer {

namespace {

Result<void> WriteTextFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) return MakeError(Errno{errno}, "write " + path);
  return {};
}

// --iidfile and --metadata-file.
Result<void> WriteIdFiles(const FinishedBuild& build, const StageImage& image) {
  const BuildArgumentsGiven& given = build.given;
  if (given.id_file) VENEER_TRY_VOID(WriteTextFile(*given.id_file, image.id.ToString()));
  if (!given.metadata_file) return {};
  // The store keeps no manifest: as in Docker's own store, the id stands for both.
  Json document = {{"containerimage.config.digest", image.id.ToString()},
                   {"containerimage.digest", image.id.ToString()}};
  std::string names;
  for (const std::string& tag : build.request.tags) {
    VENEER_TRY(const Reference name, ParseReference(tag));
    names += (names.empty() ? "" : ",") + CanonicalName(name);
  }
  if (!names.empty()) document["image.name"] = names;
  return WriteTextFile(*given.metadata_file, document.dump(2) + "\n");
}

// The names of the build, and those of the output that are others.
std::vector<std::string> TagsFor(const FinishedBuild& build, const BuildOutput& output) {
  std::vector<std::string> tags = build.request.tags;
  for (const std::string& name : output.names) {
    if (std::ranges::find(tags, name) == tags.end()) tags.push_back(name);
  }
  return tags;
}

// Makes the result an image that somebody asked for, with its names.
Result<void> PutIntoStore(const FinishedBuild& build, const StageImage& image,
                          const std::vector<std::string>& tags, size_t step) {
  VENEER_TRY_VOID(build.writer.PutBlob(image.text));
  const NewImage made{image.Record(false), tags};
  VENEER_TRY_VOID(build.store.images().PutAll({&made, 1}));
  build.progress.Status(step, "writing image " + image.id.ToString());
  for (const std::string& tag : tags) build.progress.Status(step, "naming to " + tag);
  return {};
}

Result<void> WriteElsewhere(const FinishedBuild& build, const StageImage& image,
                            const BuildOutput& output) {
  VENEER_TRY(const std::vector<std::string> notes,
             WriteBuildOutput(
                 build.store, image, output,
                 {TagsFor(build, output), build.request.annotations, build.owners, build.cancel}));
  for (const std::string& note : notes) build.progress.Warn(note);
  return {};
}

Result<void> WriteOutput(const FinishedBuild& build, const StageImage& image,
                         const BuildOutput& output) {
  const size_t step = build.progress.Begin({"", 0, 0, output.Title(), 0, 0});
  const Result<void> written = output.kind == BuildOutput::Kind::kStore
                                   ? PutIntoStore(build, image, TagsFor(build, output), step)
                                   : WriteElsewhere(build, image, output);
  if (written) {
    build.progress.End(step, false, image.id);
  } else {
    build.progress.Fail(step, written.error());
  }
  return written;
}

// The store keeps configs and layers, and no manifests.
bool HoldsAnnotations(const BuildOutput& output) {
  return output.kind == BuildOutput::Kind::kImage && output.format != SaveFormat::kDockerArchive;
}

}  // namespace

Result<Digest> FinishBuild(const FinishedBuild& build, StageImage image) {
  if (!build.request.labels.empty()) {
    VENEER_TRY(image, WithLabels(image, build.request.labels));
  }
  if (build.inline_cache != nullptr) {
    VENEER_TRY(image, WithInlineSteps(image, *build.inline_cache));
  }
  const auto write_all = [&](bool to_store) -> Result<void> {
    for (const BuildOutput& output : build.request.outputs) {
      if ((output.kind == BuildOutput::Kind::kStore) != to_store) continue;
      VENEER_TRY_VOID(WriteOutput(build, image, output));
    }
    return {};
  };
  if (!build.request.annotations.empty() &&
      std::ranges::none_of(build.request.outputs, HoldsAnnotations)) {
    build.progress.Warn(
        "annotations are left out: only an output type=oci has a manifest to keep them");
  }
  VENEER_TRY_VOID(write_all(false));
  VENEER_TRY_VOID(write_all(true));
  VENEER_TRY_VOID(WriteIdFiles(build, image));
  return image.id;
}

}  // namespace veneer
