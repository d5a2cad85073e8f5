// SPDX-License-Identifier: Apache-2.0
//
// Leases: an exclusive flock(2) on a file or directory, which says that somebody alive uses what it
// stands for. It ends with its holder, however that dies, and it is seen from every PID, mount and
// user namespace, as a process id is not: so it is the only evidence of use that is believed.
//
//   staging/<unique>          the process whose unfinished work it is
//   staging/blob-<digest>     the process that fetches the blob
//   containers/<name>/work    veneerfs holds it as long as it serves the container
//   containers/<name>/owner   the process that a throw-away container belongs to
//
// Thread-safe.
#ifndef VENEER_LAYERDB_CATALOG_LEASE_H_
#define VENEER_LAYERDB_CATALOG_LEASE_H_

#include <chrono>
#include <optional>
#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

// True while somebody holds the lease on `path`. Who asks at the same moment is not in the way.
bool IsLeased(const std::string& path);

// Takes the lease, which lasts as long as the descriptor. nullopt: somebody still had it after
// `patience`, of which a little is needed to tell a holder from one who only asks. ENOENT: there is
// no such file.
Sys<std::optional<Fd>> TakeLease(const std::string& path, std::chrono::milliseconds patience);

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_LEASE_H_
