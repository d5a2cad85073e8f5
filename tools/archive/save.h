// SPDX-License-Identifier: Apache-2.0
//
// Save: images leave the store as an archive that Docker, podman, skopeo, containerd and umoci
// read. The config and every layer are the bytes that came in, so ids and diff ids stay; each layer
// is there once, however many images have it. The same images give the same bytes.
#ifndef VENEER_TOOLS_ARCHIVE_SAVE_H_
#define VENEER_TOOLS_ARCHIVE_SAVE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/compressor.h"
#include "layerdb/threads/cancellation.h"
#include "tools/archive/save_input.h"

namespace veneer {

enum class SaveFormat : uint8_t { kDockerArchive, kOciArchive, kOciDirectory };

// "docker-archive", "oci-archive", "oci-dir". Usage error for anything else.
Result<SaveFormat> ParseSaveFormat(std::string_view text);

// What others write where nothing is said: gzip into an OCI layout (podman, skopeo, umoci), nothing
// into docker's archive.
Compression DefaultCompression(SaveFormat format);

struct SaveOptions {
  SaveFormat format = SaveFormat::kDockerArchive;
  Compression compression;
  // A file, or the new directory; none or "-": standard output.
  std::optional<std::string> output;
  const Cancellation* cancel = nullptr;
  std::function<void(uint64_t done, uint64_t total)> progress;  // bytes of the layers
};

// Saves images by name or id. A name without a tag stands for all tags of that repository, as for
// `docker save`. The output is there when this has succeeded and not before (a pipe has got what it
// has). While it runs nothing in the store is taken for garbage. Errors: kNotFound; kUsage for an
// output that cannot be one; a blob, layer or content that is damaged says `veneer fsck`;
// ECANCELED.
Result<void> SaveImages(Store& store, const std::vector<std::string>& names,
                        const SaveOptions& options);
// The same for one image, which the catalog need not have, under the names that `image` says.
// REQUIRES: a StoreWriter lives that has found or written its layers.
Result<void> SaveImage(Store& store, ImageToSave image, const SaveOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_SAVE_H_
