// SPDX-License-Identifier: Apache-2.0
//
// What the generator of operations chooses from: how often each operation comes, and the values of
// its arguments. Constant.
#ifndef VENEER_TESTS_MOUNT_PARITY_REPERTOIRE_H_
#define VENEER_TESTS_MOUNT_PARITY_REPERTOIRE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/mount/parity/op.h"

namespace veneer::parity {

struct Weight {
  OpKind kind;
  unsigned weight;
};

struct Choices {
  std::vector<Weight> weights;
  std::vector<std::string> names;
  std::vector<uid_t> uids;
  std::vector<gid_t> gids;
  std::vector<int64_t> seconds;
  std::vector<int> node_types;
  std::vector<std::string> xattrs;
  std::vector<size_t> xattr_sizes;
  unsigned percent_of_root = 0;  // of the changes of attributes: of the root directory
};

const Choices& ChoicesOf(Repertoire repertoire);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_REPERTOIRE_H_
