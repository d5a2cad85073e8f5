// SPDX-License-Identifier: Apache-2.0
//
// Where the result of a build goes (`build --output`): into the store under its names, or as an
// archive of the image, a tar archive or a directory of its files to somewhere else.
#ifndef VENEER_TOOLS_BUILD_BUILD_OUTPUT_H_
#define VENEER_TOOLS_BUILD_BUILD_OUTPUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/compressor.h"
#include "layerdb/threads/cancellation.h"
#include "tools/archive/save.h"
#include "tools/build/stage_image.h"

namespace veneer {

struct BuildOutput {
  enum class Kind : uint8_t {
    kStore,
    kImage,      // an archive of the image, as `save` writes it, or an OCI layout
    kTar,        // a tar archive of its files
    kDirectory,  // its files
  };
  Kind kind = Kind::kStore;
  std::string destination = {};                    // not of kStore; "-": standard output
  SaveFormat format = SaveFormat::kDockerArchive;  // of kImage, and `compression`
  Compression compression = {};
  std::vector<std::string> names = {};  // full names, beside those of the build

  bool ToStandardOutput() const { return kind != Kind::kStore && destination == "-"; }
  // What people read of the step: "exporting to client directory".
  std::string Title() const;
};

struct BuildOutputOptions {
  std::vector<std::string> tags;  // full names of an archive's image
  Annotations annotations;        // of an OCI layout
  bool owners = true;             // DirectorySinkOptions::owners
  const Cancellation* cancel = nullptr;
};

// Writes `image` to where `output` says. Files and archives are there when this has succeeded and
// not before; of a directory those files are whole that have their names. Gives what a person is to
// know of: what could not be written as it is. REQUIRES: another kind than kStore; a StoreWriter
// lives that has found or written the layers of `image`. Errors: those of SaveImage(); a
// destination that cannot be one (kUsage); those of DirectorySink. ECANCELED.
Result<std::vector<std::string>> WriteBuildOutput(Store& store, const StageImage& image,
                                                  const BuildOutput& output,
                                                  const BuildOutputOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_OUTPUT_H_
