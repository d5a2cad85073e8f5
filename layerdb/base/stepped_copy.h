// SPDX-License-Identifier: Apache-2.0
//
// Long copies that can be given up: as CopyData() and Sync() of sys.h, in steps of some tens of
// milliseconds.
#ifndef VENEER_LAYERDB_BASE_STEPPED_COPY_H_
#define VENEER_LAYERDB_BASE_STEPPED_COPY_H_

#include <cstdint>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer::sys {

// `stop` is asked before each step; when it is true, the answer is EINTR and a part is copied.
Sys<void> CopyDataUnless(int from, int to, uint64_t size, FunctionRef<bool()> stop);

// fdatasync(2) of a file whose first `size` bytes are to be written. EINTR: as above, all may still
// be on its way.
Sys<void> SyncDataUnless(int fd, uint64_t size, FunctionRef<bool()> stop);

}  // namespace veneer::sys

#endif  // VENEER_LAYERDB_BASE_STEPPED_COPY_H_
