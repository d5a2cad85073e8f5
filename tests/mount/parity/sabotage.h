// SPDX-License-Identifier: Apache-2.0
//
// The test of the test: changes one thing in a target behind the run's back.
#ifndef VENEER_TESTS_MOUNT_PARITY_SABOTAGE_H_
#define VENEER_TESTS_MOUNT_PARITY_SABOTAGE_H_

#include "tests/mount/parity/run.h"
#include "tests/mount/parity/target.h"

namespace veneer::parity {

// Does it. kNone and kResult (which the runner does itself) change nothing.
void Commit(Sabotage sabotage, Target& target);
const char* SabotageName(Sabotage sabotage);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_SABOTAGE_H_
