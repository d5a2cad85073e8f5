// SPDX-License-Identifier: Apache-2.0
//
// One run: a stack of layers and a sequence of operations, both from a seed, carried out step by
// step on the plain directory and on the targets compared with it.
#ifndef VENEER_TESTS_MOUNT_PARITY_RUN_H_
#define VENEER_TESTS_MOUNT_PARITY_RUN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/mount/parity/op.h"
#include "tests/mount/parity/stack.h"
#include "tests/mount/parity/target.h"

namespace veneer::parity {

// What the harness's own test does to a target behind its back; a run that does not notice it is
// blind.
enum class Sabotage {
  kNone,
  kByte,
  kSize,
  kMode,
  kOwner,
  kTime,
  kXattr,
  kSymlink,
  kMissing,
  kExtra,
  kLinkBroken,
  kResult,
  kLowerByte,
  kLowerTime,
};
inline constexpr int kSabotages = 14;

struct RunConfig {
  uint64_t seed = 1;
  int steps = 300;
  int max_layers = 5;
  std::string base_dir;             // runs make and remove directories of their own in it
  std::vector<TargetKind> targets;  // compared with plain
  std::string veneerfs;
  std::string veneer_options;
  std::set<std::string> ignored;  // fields not to compare, to look past a known difference
  // Let the clock of files tick between the steps, so that each time tells its step.
  bool slow = false;
  bool verbose = false;  // print each operation
  Sabotage sabotage = Sabotage::kNone;
};

// What is carried out of what the seed gives; a minimiser makes both smaller.
struct Selection {
  std::vector<size_t> items;
  std::vector<size_t> ops;
};

struct Sequence {
  Stack stack;
  std::vector<Op> ops;
  Selection All() const;
};

struct Failure {
  int step = -1;  // index into Sequence::ops; -1 when setting up, ops.size() at the end
  std::string target;
  std::string text;  // what differs
  // The name of what differs ("  mode of"), to tell one failure from another.
  std::string Kind() const;
};

struct RunResult {
  std::optional<Failure> failure;
  std::map<std::string, int> excused;
};

// The stack and the operations of a seed.
Sequence MakeSequence(uint64_t seed, int steps, int max_layers);

// REQUIRES: effective root, one thread of operations in this process.
RunResult Run(const RunConfig& config, const Sequence& sequence, const Selection& selection);

// The smallest selection found within `tries` runs that still fails on the same target.
Selection Minimise(const RunConfig& config, const Sequence& sequence, Selection failing, int tries);

// "3,5-9": a list of indexes for the command line, and back; false when it is not one.
std::string ToRanges(const std::vector<size_t>& indexes);
bool FromRanges(const std::string& text, std::vector<size_t>* out);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_RUN_H_
