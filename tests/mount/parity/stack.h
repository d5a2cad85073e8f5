// SPDX-License-Identifier: Apache-2.0
//
// The random stack of layers that a run starts from: a list of items, applied bottom to top.
// Applied to one directory per layer they make the lower layers; applied one after another to a
// single directory they make what a union of these layers must show. The list is plain data, so
// that a minimiser can leave items out.
#ifndef VENEER_TESTS_MOUNT_PARITY_STACK_H_
#define VENEER_TESTS_MOUNT_PARITY_STACK_H_

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/mount/parity/rng.h"

namespace veneer::parity {

enum class ItemType {
  kDirectory,
  kFile,
  kSymlink,
  kFifo,
  kSocket,
  kChar,
  kBlock,
  kHardLink,
  kWhiteout,
};

struct Extent {
  uint64_t offset;
  uint32_t length;
};

struct Item {
  int layer = 0;  // 0 is the bottom
  ItemType type = ItemType::kFile;
  std::string path;  // from the root, without a leading slash; "." is the root
  uint32_t mode = 0644;
  uid_t uid = 0;
  gid_t gid = 0;
  timespec atime{};
  timespec mtime{};
  std::vector<std::pair<std::string, std::string>> xattrs;
  bool opaque = false;       // directory: hides what is below
  std::string target;        // symlink: its text; hard link: the path in the same layer
  uint64_t size = 0;         // file
  std::vector<Extent> data;  // file: where it is not a hole
  uint32_t rdev_minor = 0;   // device; the major number is kDeviceMajor
  bool kernel_differs =
      false;  // a whiteout that kernel overlayfs shows in listings: not in its layers
};

// No driver has it: opening such a device is ENXIO and harms nobody.
inline constexpr uint32_t kDeviceMajor = 3999;

struct Stack {
  int layers = 0;
  std::vector<Item> items;
  // What the union shows, path -> type; the generator of operations starts from it.
  std::map<std::string, ItemType> merged;
};

// `max_layers` lower layers at most; all of it follows from `rng`.
Stack GenerateStack(Rng& rng, int max_layers);

// The bytes of a file of the stack and of a write: a function of a seed and the offset, never zero.
void FillPattern(uint64_t seed, uint64_t offset, char* data, size_t size);

// POSIX ACL in its xattr form (linux/posix_acl_xattr.h), made of random entries.
std::string RandomAcl(Rng& rng);
// A valid security.capability value.
std::string RandomCapability(Rng& rng);

// "layer 2: file a/b mode 4755 ..." for a person.
std::string Describe(const Item& item);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_STACK_H_
