// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/records.h"

#include "layerdb/base/function_ref.h"
#include "layerdb/base/parse.h"

namespace veneer {
namespace {

// The numbers are part of the format: never change or reuse one.
enum ImageField : uint8_t {
  kImageId = 1,
  kImageDiffId = 2,
  kImageCreatedSec = 3,
  kImageCreatedNsec = 4,
  kImageSize = 5,
  kImageBlob = 6,
  kImageParent = 7,
  kImageRepoDigest = 8,
  kImageStep = 9,
};
enum ContainerField : uint8_t {
  kContainerImage = 1,
  kContainerDiffId = 2,
  kContainerImageName = 3,
  kContainerCreatedSec = 4,
  kContainerCreatedNsec = 5,
  kContainerRemoveOnExit = 6,
  kContainerConfig = 7,
};
enum MountField : uint8_t {
  kMountPoint = 1,
  kMountPid = 2,
  kMountStartTime = 3,
  kMountBootId = 4,
  kMountReadOnly = 5,
  kMountPidNamespace = 6,
};

enum LayerBlobField : uint8_t {
  kBlobDigest = 1,  // begins a blob
  kBlobSize = 2,
  kBlobMediaType = 3,
  kBlobCompression = 4,
  kBlobRepository = 5,
};

enum StepField : uint8_t {
  kStepDiffId = 1,
  kStepContentBytes = 2,
  kStepCreatedSec = 3,
  kStepCreatedNsec = 4,
};

class FieldWriter {
 public:
  void Add(uint8_t number, std::string_view value) {
    out_.push_back(static_cast<char>(number));
    const auto size = static_cast<uint32_t>(value.size());
    for (int shift = 0; shift < 32; shift += 8) out_.push_back(static_cast<char>(size >> shift));
    out_.append(value);
  }
  void AddNumber(uint8_t number, int64_t value) { Add(number, std::to_string(value)); }
  std::string Finish() { return std::move(out_); }

 private:
  std::string out_;
};

// Calls `sink` for each field until it returns false; false when it did, or when the bytes are
// malformed.
bool ReadFields(std::string_view bytes, FunctionRef<bool(uint8_t, std::string_view)> sink) {
  while (!bytes.empty()) {
    if (bytes.size() < 5) return false;
    const auto number = static_cast<uint8_t>(bytes[0]);
    uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size |= uint32_t{static_cast<uint8_t>(bytes[1 + i])} << (8 * i);
    bytes.remove_prefix(5);
    if (size > bytes.size() || !sink(number, bytes.substr(0, size))) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

bool ReadDigest(std::string_view hex, std::optional<Digest>* out) {
  *out = Digest::FromHex(hex);
  return out->has_value();
}

bool ReadDigests(std::string_view hex, std::vector<Digest>* out) {
  const std::optional<Digest> digest = Digest::FromHex(hex);
  if (digest) out->push_back(*digest);
  return digest.has_value();
}

}  // namespace

std::string ImageKey(const Digest& id) { return std::string(kImagePrefix) + id.hex(); }
std::string TagKey(std::string_view tag) { return std::string(kTagPrefix).append(tag); }
std::string ContainerKey(std::string_view name) {
  return std::string(kContainerPrefix).append(name);
}

std::string LayerBlobsKey(const Digest& diff_id) {
  return std::string(kLayerBlobsPrefix) + diff_id.hex();
}

std::string StepResultKey(const Digest& key) { return std::string(kStepPrefix) + key.hex(); }

std::string EncodeImage(const ImageRecord& image) {
  FieldWriter out;
  out.Add(kImageId, image.id.hex());
  for (const Digest& diff_id : image.diff_ids) out.Add(kImageDiffId, diff_id.hex());
  out.AddNumber(kImageCreatedSec, image.created.sec);
  out.AddNumber(kImageCreatedNsec, image.created.nsec);
  out.AddNumber(kImageSize, static_cast<int64_t>(image.size));
  for (const Digest& blob : image.blobs) out.Add(kImageBlob, blob.hex());
  if (image.parent) out.Add(kImageParent, image.parent->hex());
  for (const std::string& name : image.repo_digests) out.Add(kImageRepoDigest, name);
  if (image.step) out.AddNumber(kImageStep, 1);
  return out.Finish();
}

std::optional<ImageRecord> DecodeImage(std::string_view bytes) {
  std::optional<Digest> id;
  std::optional<Digest> parent;
  std::vector<Digest> diff_ids;
  std::vector<Digest> blobs;
  std::vector<std::string> repo_digests;
  Timestamp created;
  uint64_t size = 0;
  int step = 0;
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    switch (number) {
      case kImageId: return ReadDigest(value, &id);
      case kImageDiffId: return ReadDigests(value, &diff_ids);
      case kImageCreatedSec: return ParseNumber(value, &created.sec);
      case kImageCreatedNsec: return ParseNumber(value, &created.nsec);
      case kImageSize: return ParseNumber(value, &size);
      case kImageBlob: return ReadDigests(value, &blobs);
      case kImageParent: return ReadDigest(value, &parent);
      case kImageRepoDigest: repo_digests.emplace_back(value); return true;
      case kImageStep: return ParseNumber(value, &step);
      default: return true;
    }
  });
  if (!ok || !id) return std::nullopt;
  const Digest chain_id = ChainIdOf(diff_ids);
  return ImageRecord{*id,    std::move(diff_ids),     chain_id, created, size, std::move(blobs),
                     parent, std::move(repo_digests), step != 0};
}

bool ReadImageReferences(std::string_view bytes, RecordReferences* out) {
  out->image = {};
  out->layers.clear();
  out->blobs.clear();
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    if (number == kImageId) out->image = value;
    if (number == kImageDiffId) out->layers.push_back(value);
    if (number == kImageBlob) out->blobs.push_back(value);
    return true;
  });
  return ok && !out->image.empty();
}

bool ReadContainerReferences(std::string_view bytes, RecordReferences* out) {
  out->image = {};
  out->layers.clear();
  out->blobs.clear();
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    if (number == kContainerImage) out->image = value;
    if (number == kContainerDiffId) out->layers.push_back(value);
    return true;
  });
  return ok && !out->image.empty();
}

std::string EncodeContainer(const ContainerRecord& container) {
  FieldWriter out;
  out.Add(kContainerImage, container.image_id.hex());
  for (const Digest& diff_id : container.diff_ids) out.Add(kContainerDiffId, diff_id.hex());
  out.Add(kContainerImageName, container.image_name);
  out.AddNumber(kContainerCreatedSec, container.created.sec);
  out.AddNumber(kContainerCreatedNsec, container.created.nsec);
  out.AddNumber(kContainerRemoveOnExit, container.remove_on_exit ? 1 : 0);
  out.Add(kContainerConfig, container.config);
  return out.Finish();
}

std::optional<ContainerRecord> DecodeContainer(std::string_view name, std::string_view bytes) {
  std::optional<Digest> image;
  std::vector<Digest> diff_ids;
  std::string image_name;
  std::string config;
  Timestamp created;
  int remove_on_exit = 0;
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    switch (number) {
      case kContainerImage: return ReadDigest(value, &image);
      case kContainerDiffId: return ReadDigests(value, &diff_ids);
      case kContainerImageName: image_name = value; return true;
      case kContainerCreatedSec: return ParseNumber(value, &created.sec);
      case kContainerCreatedNsec: return ParseNumber(value, &created.nsec);
      case kContainerRemoveOnExit: return ParseNumber(value, &remove_on_exit);
      case kContainerConfig: config = value; return true;
      default: return true;
    }
  });
  if (!ok || !image) return std::nullopt;
  const Digest chain_id = ChainIdOf(diff_ids);
  return ContainerRecord{std::string(name),     *image,  std::move(diff_ids), chain_id,
                         std::move(image_name), created, remove_on_exit != 0, std::move(config),
                         std::nullopt};
}

std::string EncodeLayerBlobs(const std::vector<LayerBlob>& blobs) {
  FieldWriter out;
  for (const LayerBlob& blob : blobs) {
    out.Add(kBlobDigest, blob.digest.hex());
    out.AddNumber(kBlobSize, static_cast<int64_t>(blob.size));
    out.Add(kBlobMediaType, blob.media_type);
    if (!blob.compression.empty()) out.Add(kBlobCompression, blob.compression);
    for (const std::string& repository : blob.repositories) out.Add(kBlobRepository, repository);
  }
  return out.Finish();
}

std::optional<std::vector<LayerBlob>> DecodeLayerBlobs(std::string_view bytes) {
  std::vector<LayerBlob> blobs;
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    if (number == kBlobDigest) {
      const std::optional<Digest> digest = Digest::FromHex(value);
      if (digest) blobs.push_back({*digest, 0, {}});
      return digest.has_value();
    }
    if (blobs.empty()) return false;
    LayerBlob& blob = blobs.back();
    switch (number) {
      case kBlobSize: return ParseNumber(value, &blob.size);
      case kBlobMediaType: blob.media_type = value; return true;
      case kBlobCompression: blob.compression = value; return true;
      case kBlobRepository: blob.repositories.emplace_back(value); return true;
      default: return true;
    }
  });
  if (!ok) return std::nullopt;
  return blobs;
}

std::string EncodeStep(const StepResult& result) {
  FieldWriter out;
  out.Add(kStepDiffId, result.diff_id.hex());
  out.AddNumber(kStepContentBytes, static_cast<int64_t>(result.content_bytes));
  out.AddNumber(kStepCreatedSec, result.created.sec);
  out.AddNumber(kStepCreatedNsec, result.created.nsec);
  return out.Finish();
}

std::optional<StepResult> DecodeStep(std::string_view bytes) {
  std::optional<Digest> diff_id;
  uint64_t content_bytes = 0;
  Timestamp created;
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    switch (number) {
      case kStepDiffId: return ReadDigest(value, &diff_id);
      case kStepContentBytes: return ParseNumber(value, &content_bytes);
      case kStepCreatedSec: return ParseNumber(value, &created.sec);
      case kStepCreatedNsec: return ParseNumber(value, &created.nsec);
      default: return true;
    }
  });
  if (!ok || !diff_id) return std::nullopt;
  return StepResult{*diff_id, content_bytes, created};
}

std::string EncodeMount(const ContainerMount& mount) {
  FieldWriter out;
  out.Add(kMountPoint, mount.mount_point);
  if (mount.daemon) {
    out.AddNumber(kMountPid, mount.daemon->pid);
    out.AddNumber(kMountStartTime, static_cast<int64_t>(mount.daemon->start_time));
    out.Add(kMountBootId, mount.daemon->boot_id);
    out.AddNumber(kMountPidNamespace, static_cast<int64_t>(mount.daemon->pid_namespace));
  }
  out.AddNumber(kMountReadOnly, mount.read_only ? 1 : 0);
  return out.Finish();
}

std::optional<ContainerMount> DecodeMount(std::string_view bytes) {
  ContainerMount mount;
  ProcessId daemon;
  int read_only = 0;
  const bool ok = ReadFields(bytes, [&](uint8_t number, std::string_view value) {
    switch (number) {
      case kMountPoint: mount.mount_point = value; return true;
      case kMountPid: return ParseNumber(value, &daemon.pid);
      case kMountStartTime: return ParseNumber(value, &daemon.start_time);
      case kMountBootId: daemon.boot_id = value; return true;
      case kMountReadOnly: return ParseNumber(value, &read_only);
      case kMountPidNamespace: return ParseNumber(value, &daemon.pid_namespace);
      default: return true;
    }
  });
  if (!ok) return std::nullopt;
  if (daemon.pid > 0) mount.daemon = std::move(daemon);
  mount.read_only = read_only != 0;
  return mount;
}

}  // namespace veneer
