// SPDX-License-Identifier: Apache-2.0
//
// Platform: for which system and processor an image is (OCI image-spec, image-index.md,
// "platform"), and which of several images fits one. Pure functions, but for HostPlatform().
#ifndef VENEER_TOOLS_OCI_PLATFORM_H_
#define VENEER_TOOLS_OCI_PLATFORM_H_

#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

struct Platform {
  std::string os;
  std::string architecture;  // Go's word for it (image-spec, config.md): "amd64", "arm64"
  std::string variant;       // "v8"; empty where there is none or it does not matter

  // "linux/arm64/v8".
  std::string ToString() const;
  friend bool operator==(const Platform&, const Platform&) = default;
};

// "OS/ARCH[/VARIANT]", "linux" (the host's architecture) or "ARCH" (Linux on it), as --platform
// takes it. Other words for an architecture ("x86_64", "aarch64") become Go's, and arm64 without a
// variant is v8. Usage error for anything else.
Result<Platform> ParsePlatform(std::string_view text);

// Linux on the processor of this machine.
Platform HostPlatform();

// How well an image for `has` runs where `wanted` is asked for: 0 not at all, more is better. Where
// a variant is asked for, another one does not fit, but for 32-bit ARM, whose later variants run
// what is made for earlier ones.
int PlatformFit(const Platform& wanted, const Platform& has);

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_PLATFORM_H_
