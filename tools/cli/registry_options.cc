// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/registry_options.h"

#include "layerdb/base/parse.h"

namespace veneer {

void AddRegistryOptions(CommandSpec* command, RegistryOptions* options) {
  command->options.push_back(
      {"--authfile", &options->authfile, FileValue("FILE"), "Read the credentials here alone"});
  command->options.push_back(
      {"--tls-verify", &options->tls_verify, OneOfValue("BOOL", {"true", "false"}),
       "false: take any certificate, and plain HTTP where there is no TLS; default true"});
  command->options.push_back({"--retry", &options->retry, TextValue("N"),
                              "Try again so often what may have failed by chance; default 3"});
}

Result<std::unique_ptr<RegistryAccess>> OpenRegistries(const RegistryOptions& options,
                                                       const Cancellation* cancel) {
  RegistryAccess::Options how;
  how.authfile = options.authfile;
  how.verify_tls = options.tls_verify == "true";
  how.cancel = cancel;
  constexpr int kMaxTries = 1000;
  if (!ParseNumber(options.retry, &how.retry.tries_more) || how.retry.tries_more < 0 ||
      how.retry.tries_more > kMaxTries) {
    return MakeError("--retry " + options.retry + ": not a number from 0 to 1000",
                     ExitCode::kUsage);
  }
  return RegistryAccess::Open(how);
}

}  // namespace veneer
