// SPDX-License-Identifier: Apache-2.0
//
// What an object and a whole tree look like from outside, as values to compare.
#ifndef VENEER_TESTS_MOUNT_PARITY_SNAPSHOT_H_
#define VENEER_TESTS_MOUNT_PARITY_SNAPSHOT_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

namespace veneer::parity {

// One stat. `identity` tells inodes apart for good, even when a number is used again (plain target
// only).
struct Look {
  struct stat st {};
  int error = 0;  // errno of the stat itself; then nothing else is set
  std::string identity;
};

struct TreeEntry {
  std::string path;  // from the root; "." is the root
  Look look;
  std::string link;      // target of a symlink
  uint64_t content = 0;  // hash of a regular file's bytes
  std::string xattrs;    // "name=value" lines, sorted
};

struct Tree {
  std::vector<TreeEntry> entries;  // sorted by path
  std::vector<std::string>
      complaints;  // what contradicts itself: listings against lookups, duplicates
};

// lstat of a path relative to `dir_fd`, or of `dir_fd` itself with an empty path; with the identity
// if asked.
Look LookAt(int dir_fd, const char* path, bool with_identity, int flags);

// Walks the tree of `root_fd` as root. Never crosses into another file system.
Tree WalkTree(int root_fd, bool with_identity);

// Everything that can be known of a directory on disk, as text, but for access times: a lower layer
// before and after. Change times and inode numbers are included.
std::string FreezeTree(const std::string& root);

uint64_t HashBytes(const char* data, size_t size, uint64_t hash = 1469598103934665603u);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_SNAPSHOT_H_
