// SPDX-License-Identifier: Apache-2.0
//
// What this machine has of what Veneer can use; for `veneer info`.
#ifndef VENEER_TOOLS_RUN_HOST_FACTS_H_
#define VENEER_TOOLS_RUN_HOST_FACTS_H_

#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

// What the kernel's FUSE can do, as far as it can be told without a mount.
struct KernelFeatures {
  std::string release;       // "6.18.1-amd64"
  bool passthrough = false;  // reads and writes without the daemon: Linux 6.9
  bool idmapped = false;     // idmapped mounts of FUSE: Linux 6.12
  // Requests through io_uring, switched on or off; nullopt: the kernel has it not.
  std::optional<bool> io_uring;
};

// Pure. `enable_uring`: the contents of /sys/module/fuse/parameters/enable_uring, nullopt where
// there is none.
KernelFeatures FeaturesOf(std::string_view release, const std::optional<std::string>& enable_uring);
KernelFeatures FeaturesOfKernel();

// The version of libfuse that a veneerfs runs with ("3.14.0"), which is asked. Fails when it does
// not say.
Result<std::string> LibfuseVersionOf(const std::string& veneerfs);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_HOST_FACTS_H_
