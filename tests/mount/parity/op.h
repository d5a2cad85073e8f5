// SPDX-License-Identifier: Apache-2.0
//
// One operation of a run: plain data, made by the generator, carried out on every target by the
// executor. An operation never depends on the outcome of an earlier one, so that a minimiser can
// leave any of them out.
#ifndef VENEER_TESTS_MOUNT_PARITY_OP_H_
#define VENEER_TESTS_MOUNT_PARITY_OP_H_

#include <sys/types.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/mount/parity/rng.h"
#include "tests/mount/parity/stack.h"

namespace veneer::parity {

enum class OpKind {
  // On a descriptor slot.
  kOpen,
  kTmpfile,
  kClose,
  kRead,
  kWrite,
  kPread,
  kPwrite,
  kDirectIo,
  kFtruncate,
  kFallocate,
  kSeek,
  kHoles,
  kCopyRange,
  kSendfile,
  kFchmod,
  kFchown,
  kFutimens,
  kFstat,
  kFsync,
  kFlock,
  kRangeLock,
  kLinkFd,
  kGetdents,
  kGetFlags,
  kSetFlags,
  // On a mapping slot.
  kMap,
  kMapRead,
  kMapWrite,
  kMapSync,
  kUnmap,
  // On a path.
  kTruncate,
  kChmod,
  kChown,
  kUtimens,
  kMkdir,
  kRmdir,
  kRemoveTree,  // flags 1: and makes a directory with one file in its place
  kUnlink,
  kSymlink,
  kLink,
  kMknod,
  kRename,
  kStat,
  kReadlink,
  kAccess,
  kStatfs,
  kHandle,
  kList,
  kWalk,
  kReadFile,
  kWriteFile,  // opens, writes and closes
  kLongPath,
  // Extended attributes: on a path, without following its last link, or on a slot (flags says
  // which).
  kSetXattr,
  kGetXattr,
  kListXattr,
  kRemoveXattr,
  // On the whole target.
  kDropCaches,
  kRemount,
  kSyncfs,
  kCompare,
};

inline constexpr int kSlots = 6;
inline constexpr int kMaps = 3;

// Who does it. The ids, supplementary groups and umask of the caller must count, never those of a
// daemon.
struct Credential {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};
const std::array<Credential, 6>& Credentials();

// The ways to name an object for an xattr operation.
enum class XattrBy { kPath, kNoFollow, kSlot };

struct Op {
  OpKind kind = OpKind::kCompare;
  int who = 0;  // index into Credentials()
  mode_t umask = 022;
  int slot = 0;   // descriptor, or mapping
  int slot2 = 0;  // the other descriptor
  std::string path;
  std::string path2;
  int flags = 0;  // of the system call
  uint32_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  uint64_t offset = 0;
  uint64_t offset2 = 0;
  uint64_t size = 0;
  uint64_t pattern = 0;  // seed of the bytes written
  timespec times[2]{};
  std::string name;  // xattr
  std::string value;
  // Looks after the operation, as root: attributes of path and path2 and the directories they are
  // in; contents.
  bool look = false;
  bool look_inside = false;
};

// Which operations there are, and the values that they may have.
enum class Repertoire {
  kAll,
  kNoLinks,  // without hard links
  kPaths,    // on paths: nothing stays open from one operation to the next
  kLayers,   // changes alone, and those that the archive of a layer holds as they are
};

// `steps` operations over `tree` (path -> type). All of it follows from `rng`.
std::vector<Op> GenerateOps(Rng& rng, const std::map<std::string, ItemType>& tree, int steps,
                            Repertoire repertoire);

// Whether a kMapWrite leaves its pages dirty. When these are written back, and what time that
// leaves on the file, is the kernel's affair from then on.
inline bool LeavesDirtyPages(const Op& op) {
  return op.kind == OpKind::kMapWrite && op.pattern % 2 == 0;
}

// One line for a person.
std::string Describe(const Op& op);
// "a/b", with bytes that are not printable escaped and long names cut.
std::string Quote(const std::string& text);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_OP_H_
