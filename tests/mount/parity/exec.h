// SPDX-License-Identifier: Apache-2.0
//
// Carries out one operation on one target and says what came of it. The calling thread takes the
// operation's credentials and umask, and has the target as its root directory meanwhile, so that no
// path leads outside.
//
// Not thread-safe: root directory and umask are those of the process.
#ifndef VENEER_TESTS_MOUNT_PARITY_EXEC_H_
#define VENEER_TESTS_MOUNT_PARITY_EXEC_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/mount/parity/op.h"
#include "tests/mount/parity/snapshot.h"
#include "tests/mount/parity/target.h"

namespace veneer::parity {

// What an operation gave: compared between targets.
struct Outcome {
  long ret = 0;  // -1 on failure
  int error = 0;
  std::string detail;                               // bytes read, names listed, ...
  std::vector<std::pair<std::string, Look>> looks;  // what was stat'ed, and what it looked like
  // The file that was written to, where its set-user-ID may have gone with that: after an excused
  // difference perhaps on one side only.
  std::optional<Look> written;

  // From the result of a system call; a descriptor or pointer should be passed as 0.
  void Set(long result) {
    ret = result < 0 ? -1 : result;
    error = result < 0 ? errno : 0;
  }
};

// REQUIRES: effective root; `op` is not one of the whole-target kinds.
Outcome Execute(const Op& op, Target& target);

// The parts of Execute, by what the operation works on. Called inside the target with the caller's
// credentials.
void ExecuteOnSlot(const Op& op, Target& target, Outcome& out);
// Notes the state of the open file that the operation worked on.
void LookAtSlot(const Op& op, const Target& target, Outcome& out);
void ExecuteOnMap(const Op& op, Target& target, Outcome& out);
// Before and after kMapWrite, as root: half of the time the pages are written back and the times
// settled.
void PrepareMapWrite(const Op& op, Target& target);
void FinishMapWrite(const Op& op, Target& target, Outcome& out);
void ExecuteOnPath(const Op& op, Target& target, Outcome& out);
void ExecuteOnXattr(const Op& op, Target& target, Outcome& out);
void ExecuteOnDirectory(const Op& op, Target& target, Outcome& out);

// Takes the ids of a credential for this thread, and gives them back at the end of the scope. Real
// and saved ids stay root's. The supplementary groups of root are none.
class AsCaller {
 public:
  AsCaller(const Credential& who, mode_t umask);
  ~AsCaller();
  AsCaller(const AsCaller&) = delete;
  AsCaller& operator=(const AsCaller&) = delete;
};

// Everything a regular file holds, up to a bound; empty and errno set on failure.
bool ReadAll(int fd, std::string* out);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_EXEC_H_
