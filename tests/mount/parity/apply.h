// SPDX-License-Identifier: Apache-2.0
//
// Carries out the operations of a seed in trees that somebody else has made and mounted: for tests
// that judge the tree by other means, or do something else meanwhile. The names that are there are
// those that the operations begin with. What is for whole mounts (kRemount, kDropCaches, kSyncfs)
// is left out. Nothing else is to change the trees. Not thread-safe, as Execute() is not.
#ifndef VENEER_TESTS_MOUNT_PARITY_APPLY_H_
#define VENEER_TESTS_MOUNT_PARITY_APPLY_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/mount/parity/op.h"

namespace veneer::parity {

struct ApplyConfig {
  uint64_t seed = 1;
  int steps = 300;
  Repertoire repertoire = Repertoire::kAll;
  std::set<std::string> ignored;  // fields not to compare
  std::vector<size_t> kept;       // only these of the operations; empty: all
};

// In the tree at `root`; prints each operation that succeeds. False: there is no such directory.
// REQUIRES: effective root.
bool Apply(const ApplyConfig& config, const std::string& root);

// In the mount of veneerfs at `root` and in the plain directory `plain`, which must hold the same
// tree; each result is compared, and the trees in the end. Operations that may leave the two
// different for good, as an excuse allows, are left out. False after a difference: it is printed,
// after the operations that led to it. REQUIRES: effective root.
bool ApplyToBoth(const ApplyConfig& config, const std::string& root, const std::string& plain);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_APPLY_H_
