// SPDX-License-Identifier: Apache-2.0
//
// The options of commands that speak to registries.
#ifndef VENEER_TOOLS_CLI_REGISTRY_OPTIONS_H_
#define VENEER_TOOLS_CLI_REGISTRY_OPTIONS_H_

#include <memory>
#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/cli/command.h"
#include "tools/registry/registry_access.h"

namespace veneer {

struct RegistryOptions {
  std::optional<std::string> authfile;
  std::string tls_verify = "true";
  std::string retry = "3";
};

// `options` must outlive the command.
void AddRegistryOptions(CommandSpec* command, RegistryOptions* options);

// Errors: a value that is none (kUsage); as RegistryAccess::Open().
Result<std::unique_ptr<RegistryAccess>> OpenRegistries(const RegistryOptions& options,
                                                       const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_REGISTRY_OPTIONS_H_
