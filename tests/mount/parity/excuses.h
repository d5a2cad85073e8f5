// SPDX-License-Identifier: Apache-2.0
//
// The one list of differences that are allowed, with the reason for each.
#ifndef VENEER_TESTS_MOUNT_PARITY_EXCUSES_H_
#define VENEER_TESTS_MOUNT_PARITY_EXCUSES_H_

#include <sys/stat.h>

#include <string>

#include "tests/mount/parity/exec.h"
#include "tests/mount/parity/op.h"
#include "tests/mount/parity/target.h"

namespace veneer::parity {

enum class Field {
  kResult,  // return value and errno
  kDetail,  // bytes or names that the operation gave
  kType,
  kMode,
  kOwner,
  kSize,
  kLinks,
  kDevice,
  kBlocks,
  kInode,
  kModifyTime,
  kChangeTime,
  kAccessTime,
  kContent,
  kSymlink,
  kXattrs,
  kName,     // a name that is in one tree only
  kListing,  // a listing that contradicts itself
};
const char* FieldName(Field field);

// One difference, with what is known about where it was found. Pointers are null where they do not
// apply.
struct Difference {
  Field field = Field::kResult;
  std::string where;
  const Op* op = nullptr;
  const Outcome* plain_outcome = nullptr;
  const Outcome* got_outcome = nullptr;
  const struct stat* plain_stat = nullptr;
  const struct stat* got_stat = nullptr;
  bool dirty = false;  // pages of this file, or of some file where it is not known, may be dirty
};

struct Excuse {
  const char* reason;
  // The trees are different from here on: this target leaves the run.
  bool leaves;
};

// Why `kind` may differ from the plain directory here, or null: then it may not.
const Excuse* FindExcuse(TargetKind kind, const Difference& difference);

// Whether an excuse may be found for this on veneerfs that leaves the trees different.
bool MayPart(const Op& op);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_EXCUSES_H_
