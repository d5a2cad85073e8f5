// SPDX-License-Identifier: Apache-2.0
#include "tools/run/requirements.h"

#include "tools/run/daemon.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/user_namespace.h"

namespace veneer {

std::vector<std::string> MissingRequirements() {
  std::vector<std::string> missing;
  const auto check = [&](const auto& result) {
    if (!result) missing.push_back(result.error().message());
  };
  check(FindVeneerfs());
  check(OpenFuseDevice());
  if (!IsOrdinaryUser()) return missing;
  check(FindFusermount());
  check(CheckUserNamespace());
  check(CheckGrantedIds());
  check(CheckMappers());
  return missing;
}

}  // namespace veneer
