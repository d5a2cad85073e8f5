// SPDX-License-Identifier: Apache-2.0
//
// What container engines hide of the machine in /proc and /sys, and what nobody may write there:
// root of a container is root for those files too, whatever capabilities it has.
#ifndef VENEER_TOOLS_RUN_MASKED_PATHS_H_
#define VENEER_TOOLS_RUN_MASKED_PATHS_H_

#include "layerdb/base/result.h"

namespace veneer {

// `proc` and `sys` are the roots of the session's own mounts, attached already: no path of an image
// is followed. What this kernel does not have is passed over. REQUIRES: the host's /dev/null is at
// that path still.
Result<void> MaskProc(int proc);
Result<void> MaskSys(int sys);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_MASKED_PATHS_H_
