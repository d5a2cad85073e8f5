// SPDX-License-Identifier: Apache-2.0
//
// Several pieces of work at once, of which the first failure ends the others.
#ifndef VENEER_LAYERDB_THREADS_AT_ONCE_H_
#define VENEER_LAYERDB_THREADS_AT_ONCE_H_

#include <cstddef>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

// Calls `work` with 0 to `count` - 1, in this order, at most `at_once` at a time; one of the
// threads is this one. With fewer where no more threads are to be had. The first failure requests
// `stop`, at which `work` ends with ECANCELED, and is returned. ECANCELED: somebody else requested
// it.
Result<void> RunAtOnce(size_t count, unsigned at_once, Cancellation& stop,
                       FunctionRef<Result<void>(size_t)> work);

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_AT_ONCE_H_
