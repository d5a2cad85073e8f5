// SPDX-License-Identifier: Apache-2.0
#include "tools/run/command_rights.h"

#include <linux/capability.h>
#include <sys/prctl.h>

namespace veneer {

namespace {

Result<SeccompFilter> ReadContainerFilter() {
  VENEER_TRY(
      const std::optional<SeccompProfile> profile,
      ReadSeccompProfile(SeccompProfilePaths(), FactsOfThisMachine(ContainerCapabilities())));
  if (!profile) return SeccompFilter();
  return CompileSeccomp(*profile);
}

}  // namespace

Result<CommandRights> RightsFor(const std::optional<Confinement>& confinement) {
  if (!confinement || confinement->insecure) return CommandRights();
  static const Result<SeccompFilter> filter = ReadContainerFilter();
  if (!filter) return tl::unexpected(filter.error());
  return CommandRights{ContainerCapabilities(), *filter};
}

Sys<void> LimitRights(const CommandRights& rights) {
  if (!rights.capabilities) return {};
  VENEER_TRY_VOID(BoundCapabilities(*rights.capabilities));
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return FailErrno();
  return {};
}

Sys<void> DropRights(const CommandRights& rights, uid_t user) {
  if (!rights.capabilities) return {};
  VENEER_TRY(const CapabilityMask permitted, PermittedCapabilities());
  if (!rights.filter.empty()) {
    VENEER_TRY_VOID(SetCapabilities(permitted, CapabilityMask{1} << CAP_SYS_ADMIN));
    VENEER_TRY_VOID(LoadSeccomp(rights.filter));
  }
  const CapabilityMask kept = user == 0 ? *rights.capabilities & permitted : 0;
  return SetCapabilities(kept, kept);
}

}  // namespace veneer
