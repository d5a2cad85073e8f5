// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/lease.h"

#include <fcntl.h>

#include <utility>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// Neither a link nor a fifo that is in the way is waited for.
Sys<Fd> OpenForLease(const std::string& path) {
  return sys::Open(sys::Path(path), O_RDONLY | O_NONBLOCK);
}

}  // namespace

bool IsLeased(const std::string& path) {
  const Sys<Fd> fd = OpenForLease(path);
  return fd && !TakeLock(fd->get(), LockMode::kShared, kNoPatience).value_or(true);
}

Sys<std::optional<Fd>> TakeLease(const std::string& path, std::chrono::milliseconds patience) {
  VENEER_TRY(Fd fd, OpenForLease(path));
  VENEER_TRY(const bool taken, TakeLock(fd.get(), LockMode::kExclusive, patience));
  if (!taken) return std::nullopt;
  return std::optional<Fd>(std::move(fd));
}

}  // namespace veneer
