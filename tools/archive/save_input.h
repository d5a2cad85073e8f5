// SPDX-License-Identifier: Apache-2.0
//
// What the writers of all formats are given: images that were looked up and found sound as far as
// can be told without reading their layers.
#ifndef VENEER_TOOLS_ARCHIVE_SAVE_INPUT_H_
#define VENEER_TOOLS_ARCHIVE_SAVE_INPUT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/compressor.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/layer_tar.h"
#include "tools/oci/compose.h"

namespace veneer {

struct ImageToSave {
  ImageRecord record;
  std::string config;             // the bytes whose digest is the id
  std::vector<std::string> tags;  // "debian:12", in byte order; none for an image named by its id
  Annotations annotations = {};   // of an OCI layout; an archive of Docker's has none
};

struct SaveInput {
  const Store& store;
  std::vector<ImageToSave> images;  // each once, in the order they were named in
  std::vector<Digest> layers;       // of all of them, each once, in the order of their use
  Compression compression;
  const Cancellation* cancel = nullptr;
  std::function<void(uint64_t bytes)> advance;  // so much of the layers was read
};

// Gives the archive of one layer to `sink`, checked as by WriteCheckedLayerTar(), counted by
// `advance`. ECANCELED.
Result<void> WriteLayer(const SaveInput& input, const Digest& diff_id, TarSink sink);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_SAVE_INPUT_H_
