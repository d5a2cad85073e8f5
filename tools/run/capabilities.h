// SPDX-License-Identifier: Apache-2.0
//
// The capabilities of a process (capabilities(7)), and those that container engines leave to root.
#ifndef VENEER_TOOLS_RUN_CAPABILITIES_H_
#define VENEER_TOOLS_RUN_CAPABILITIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// Bit n is capability n.
using CapabilityMask = uint64_t;

// What Docker gives root of a container, and every other engine after it. Pure.
CapabilityMask ContainerCapabilities();

// "CAP_CHOWN" and so on, in the kernel's order. Those that have no name here are left out. Pure.
std::vector<std::string> CapabilityNames(CapabilityMask mask);

// Takes all others out of the bounding set, so that no program gets them by execve(2), and empties
// the ambient set. REQUIRES: CAP_SETPCAP.
Sys<void> BoundCapabilities(CapabilityMask mask);

Sys<CapabilityMask> PermittedCapabilities();

// Makes `permitted` and `effective` these sets, and the inheritable one empty. Takes rights only:
// what is not permitted now cannot be.
Sys<void> SetCapabilities(CapabilityMask permitted, CapabilityMask effective);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_CAPABILITIES_H_
