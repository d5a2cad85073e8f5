// SPDX-License-Identifier: Apache-2.0
//
// Compares what the plain directory gave with what another target gave. Everything must agree but
// for what the table of excuses (excuses.cc) names, each with its reason.
//
// Two kinds of value cannot be compared as they are. Inode numbers: each inode of the plain
// directory must have one and the same number in the other target, for ever and across remounts.
// Times that come from the clock: both targets must have stamped them in the same step, as far as
// the clock's grain tells.
#ifndef VENEER_TESTS_MOUNT_PARITY_COMPARE_H_
#define VENEER_TESTS_MOUNT_PARITY_COMPARE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/mount/parity/excuses.h"
#include "tests/mount/parity/exec.h"
#include "tests/mount/parity/op.h"
#include "tests/mount/parity/snapshot.h"

namespace veneer::parity {

// When each step of one target began and ended, by the clock that stamps files.
class Timeline {
 public:
  Timeline();
  void BeginStep();
  void EndStep();
  // Whether the clock may have given this time since the timeline was made.
  bool IsFromClock(const timespec& time) const;
  // The first and the last step that may have stamped this time. REQUIRES: IsFromClock(time).
  std::pair<int, int> Steps(const timespec& time) const;

 private:
  int64_t made_;
  std::vector<std::pair<int64_t, int64_t>> steps_;
};

class Comparer {
 public:
  // The timelines must outlive this.
  Comparer(TargetKind kind, const Timeline& plain, const Timeline& got,
           std::set<std::string> ignored);

  // What differs, one line each; empty when nothing does.
  std::string CompareOutcomes(const Op& op, const Outcome& plain, const Outcome& got);
  std::string CompareTrees(const Tree& plain, const Tree& got);

  // An excuse was used after which the trees are different for good.
  bool leaves() const { return leaves_; }
  // How often each excuse was used.
  const std::map<std::string, int>& excused() const { return excused_; }

 private:
  void Report(Difference difference, const std::string& plain, const std::string& got);
  void CompareLooks(Difference where, const Look& plain, const Look& got);
  void CompareTime(Difference where, const timespec& plain, const timespec& got,
                   bool later_is_fine);
  void CompareXattrs(Difference where, const std::string& plain, const std::string& got);
  void CompareInode(Difference where, const Look& plain, const Look& got);

  TargetKind kind_;
  const Timeline& plain_time_;
  const Timeline& got_time_;
  std::map<std::string, ino_t> inodes_;  // identity in the plain directory -> number in the target
  std::map<std::string, int> excused_;
  const std::set<std::string> ignored_;  // names of fields that are not compared
  std::set<std::string>
      dirty_;  // identities of files whose times are not settled: see LeavesDirtyPages
  std::string report_;
  bool leaves_ = false;
};

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_COMPARE_H_
