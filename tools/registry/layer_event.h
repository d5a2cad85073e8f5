// SPDX-License-Identifier: Apache-2.0
//
// The steps of a layer on its way to or from a registry, for those who show them. Values only.
#ifndef VENEER_TOOLS_REGISTRY_LAYER_EVENT_H_
#define VENEER_TOOLS_REGISTRY_LAYER_EVENT_H_

#include <cstdint>
#include <string>

namespace veneer {

enum class LayerStep {
  kWaiting,
  // Of a pull.
  kPullingFsLayer,
  kDownloading,
  kDownloadComplete,
  kPullComplete,
  kAlreadyExists,
  // Of a push.
  kPreparing,
  kPushing,
  kPushingAnew,  // the registry has lost what was sent
  kPushed,
  kLayerAlreadyExists,
  kMounted,
};

struct LayerEvent {
  std::string layer;  // the first 12 digits of its digest: of the blob, or at a push the diff id
  LayerStep step;
  uint64_t done = 0;  // bytes, of kDownloading and kPushing
  uint64_t total = 0;
  std::string from = {};  // the repository, of kMounted
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_LAYER_EVENT_H_
