// SPDX-License-Identifier: Apache-2.0
//
// Images that a command needs and that are not here: they are pulled first, as `docker create` and
// `docker run` do it (--pull).
#ifndef VENEER_TOOLS_CLI_MISSING_IMAGE_H_
#define VENEER_TOOLS_CLI_MISSING_IMAGE_H_

#include <memory>
#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "tools/cli/command.h"
#include "tools/cli/context.h"
#include "tools/cli/registry_options.h"
#include "tools/oci/platform.h"

namespace veneer {

struct MissingImageOptions {
  std::string pull = "missing";  // missing, always, never
  RegistryOptions registry;
  std::optional<Platform> platform = {};  // nullopt: this machine's, or what is here
};

// Adds --pull. `options` must outlive the command.
void AddMissingImageOptions(CommandSpec* command, MissingImageOptions* options);

// Opens the store; makes one where there is none and an image may be pulled into it.
Result<std::unique_ptr<Store>> OpenStoreToPull(Context& context,
                                               const MissingImageOptions& options);

// As FindImage(), and FindContainerOrImage(), which pulls for no container. The pull is shown on
// standard error. kNotFound: the image is neither here nor can it be pulled; it says why.
// REQUIRES: no Interrupt lives.
Result<FoundImage> FindOrPullImage(Store& store, const std::string& reference,
                                   const MissingImageOptions& options);
Result<ContainerOrImage> FindContainerOrPullImage(Store& store, const std::string& name,
                                                  const MissingImageOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_MISSING_IMAGE_H_
