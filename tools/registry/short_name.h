// SPDX-License-Identifier: Apache-2.0
//
// ShortName: an image name without a host, "debian:12". The configuration says which registries it
// may be of. Pure.
#ifndef VENEER_TOOLS_REGISTRY_SHORT_NAME_H_
#define VENEER_TOOLS_REGISTRY_SHORT_NAME_H_

#include <optional>
#include <string>
#include <string_view>

namespace veneer {

struct ShortName {
  std::string name;    // "debian"; "library/debian" stays as it is
  std::string suffix;  // ":12", "@sha256:...", or both; empty where neither is written
};

// The parts of `text`. nullopt: a host is written, or `text` is not an image name.
std::optional<ShortName> ParseShortName(std::string_view text);

// True for "example.org", "example.org:5000" and "localhost": what an image name may begin with and
// be read as a host.
bool IsRegistryHost(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_SHORT_NAME_H_
