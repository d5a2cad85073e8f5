// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/apply.h"

#include <cstdio>
#include <deque>
#include <map>
#include <vector>

#include "tests/mount/parity/compare.h"
#include "tests/mount/parity/exec.h"
#include "tests/mount/parity/snapshot.h"
#include "tests/mount/parity/target.h"

namespace veneer::parity {
namespace {

constexpr size_t kTold = 30;  // operations before a difference that are printed

ItemType TypeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return ItemType::kDirectory;
    case S_IFLNK: return ItemType::kSymlink;
    case S_IFREG: return ItemType::kFile;
    default: return ItemType::kFifo;  // any that has no contents
  }
}

// The operations by their index.
std::map<size_t, Op> OpsFor(const ApplyConfig& config, const Target& target) {
  std::map<std::string, ItemType> tree;
  for (const TreeEntry& entry : WalkTree(target.root_fd(), false).entries)
    tree[entry.path] = TypeOf(entry.look.st.st_mode);
  Rng rng(config.seed);
  const std::vector<Op> all = GenerateOps(rng, tree, config.steps, config.repertoire);
  std::map<size_t, Op> ops;
  const auto add = [&](size_t index) {
    if (index >= all.size()) return;
    const OpKind kind = all[index].kind;
    if (kind != OpKind::kRemount && kind != OpKind::kDropCaches && kind != OpKind::kSyncfs)
      ops.emplace(index, all[index]);
  };
  for (size_t i = 0; i < all.size() && config.kept.empty(); ++i) add(i);
  for (const size_t i : config.kept) add(i);
  return ops;
}

bool Open(Target& target) {
  if (target.Open()) return true;
  std::fprintf(stderr, "%s\n", target.error().c_str());
  return false;
}

class Pair {
 public:
  Pair(const ApplyConfig& config, Target& mount, Target& plain)
      : mount_(mount),
        plain_(plain),
        comparer_(TargetKind::kVeneer, plain_time_, mount_time_, config.ignored) {}

  // What differs, or nothing.
  std::string Step(const Op& op) {
    if (op.kind == OpKind::kCompare) return CompareTrees();
    plain_time_.BeginStep();
    const Outcome expected = Execute(op, plain_);
    plain_time_.EndStep();
    mount_time_.BeginStep();
    const Outcome got = Execute(op, mount_);
    mount_time_.EndStep();
    return comparer_.CompareOutcomes(op, expected, got);
  }
  std::string CompareTrees() {
    return comparer_.CompareTrees(WalkTree(plain_.root_fd(), true),
                                  WalkTree(mount_.root_fd(), false));
  }

 private:
  Target& mount_;
  Target& plain_;
  Timeline plain_time_;
  Timeline mount_time_;
  Comparer comparer_;
};

}  // namespace

bool Apply(const ApplyConfig& config, const std::string& root) {
  Target target(TargetKind::kMirror, root);
  if (!Open(target)) return false;
  for (const auto& [index, op] : OpsFor(config, target)) {
    if (op.kind != OpKind::kCompare && Execute(op, target).ret >= 0)
      std::printf("%5zu  %s\n", index, Describe(op).c_str());
  }
  return true;
}

bool ApplyToBoth(const ApplyConfig& config, const std::string& root, const std::string& plain) {
  Target mount(TargetKind::kVeneer, root), directory(TargetKind::kPlain, plain);
  if (!Open(mount) || !Open(directory)) return false;
  std::map<size_t, Op> ops = OpsFor(config, directory);
  std::erase_if(ops, [](const auto& each) { return MayPart(each.second); });
  ops.emplace(static_cast<size_t>(config.steps), Op());  // kCompare
  Pair pair(config, mount, directory);
  std::deque<std::string> last;
  for (const auto& [index, op] : ops) {
    last.push_back(std::to_string(index) + "  " + Describe(op));
    if (last.size() > kTold) last.pop_front();
    const std::string report = pair.Step(op);
    if (report.empty()) continue;
    for (const std::string& line : last) std::printf("%s\n", line.c_str());
    std::printf("MISMATCH:\n%s", report.c_str());
    return false;
  }
  return true;
}

}  // namespace veneer::parity
