// SPDX-License-Identifier: Apache-2.0
//
// What the catalog keeps, as bytes. Values only.
//
//   key "image/<id hex>"       value fields of an ImageRecord
//   key "tag/<name:tag>"       value the image's id, 64 hex digits
//   key "container/<name>"     value fields of a ContainerRecord, without its mount
//   key "blobs/<diff id hex>"  value fields of LayerBlobs, those of each behind its digest
//   key "step/<key hex>"       value fields of a StepResult
//
// Fields: for each, u8 number, u32 little-endian length, bytes. A reader skips numbers that it does
// not know, so that fields can be added. Lists repeat their number. Numbers within are decimal
// text.
#ifndef VENEER_LAYERDB_CATALOG_RECORDS_H_
#define VENEER_LAYERDB_CATALOG_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/layer_blobs.h"
#include "layerdb/catalog/step_results.h"

namespace veneer {

inline constexpr std::string_view kImagePrefix = "image/";
inline constexpr std::string_view kTagPrefix = "tag/";
inline constexpr std::string_view kContainerPrefix = "container/";
inline constexpr std::string_view kLayerBlobsPrefix = "blobs/";
inline constexpr std::string_view kStepPrefix = "step/";

std::string ImageKey(const Digest& id);
std::string TagKey(std::string_view tag);
std::string ContainerKey(std::string_view name);
std::string LayerBlobsKey(const Digest& diff_id);
std::string StepResultKey(const Digest& key);

std::string EncodeImage(const ImageRecord& image);
// nullopt: malformed.
std::optional<ImageRecord> DecodeImage(std::string_view bytes);

// What a record of an image or a container refers to, as the hex digits that it holds: to look
// through a thousand records without making values of them. Valid as long as the record is.
struct RecordReferences {
  std::string_view image;                // the image's own id, or that of the container's image
  std::vector<std::string_view> layers;  // diff ids, bottom first
  std::vector<std::string_view> blobs;
};
// False: malformed. What `out` held before is gone.
bool ReadImageReferences(std::string_view bytes, RecordReferences* out);
bool ReadContainerReferences(std::string_view bytes, RecordReferences* out);

std::string EncodeContainer(const ContainerRecord& container);
std::optional<ContainerRecord> DecodeContainer(std::string_view name, std::string_view bytes);

std::string EncodeLayerBlobs(const std::vector<LayerBlob>& blobs);
std::optional<std::vector<LayerBlob>> DecodeLayerBlobs(std::string_view bytes);

std::string EncodeStep(const StepResult& result);
std::optional<StepResult> DecodeStep(std::string_view bytes);

// The state file of a container.
std::string EncodeMount(const ContainerMount& mount);
std::optional<ContainerMount> DecodeMount(std::string_view bytes);

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_RECORDS_H_
