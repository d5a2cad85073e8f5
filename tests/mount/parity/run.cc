// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>

#include "tests/mount/parity/compare.h"
#include "tests/mount/parity/exec.h"
#include "tests/mount/parity/sabotage.h"
#include "tests/mount/parity/snapshot.h"
#include "tests/mount/parity/stack_apply.h"
#include "tests/mount/parity/watchdog.h"

namespace veneer::parity {
namespace {

constexpr int kHangSeconds = 60;

// One target that is compared, and what is known about it.
struct Subject {
  std::unique_ptr<Target> target;
  std::unique_ptr<Timeline> time;
  std::unique_ptr<Comparer> comparer;
  std::vector<std::string> layers_before;
};

class Runner {
 public:
  Runner(const RunConfig& config, const Sequence& sequence, const Selection& selection)
      : config_(config),
        sequence_(sequence),
        selection_(selection),
        dir_(config.base_dir + "/run"),
        watchdog_(kHangSeconds, [this](const std::string& last) { OnHang(last); }) {}

  ~Runner() {
    subjects_.clear();
    plain_.reset();
    std::error_code ignored;  // what is left is removed with base_dir
    std::filesystem::remove_all(dir_, ignored);
  }

  RunResult Go() {
    if (!SetUp()) return Result();
    for (const size_t index : selection_.ops) {
      step_ = static_cast<int>(index);
      const Op& op = sequence_.ops[index];
      if (config_.verbose) std::printf("%5zu  %s\n", index, Describe(op).c_str());
      watchdog_.Feed("step " + std::to_string(index) + ": " + Describe(op));
      if (!Step(op)) return Result();
    }
    step_ = static_cast<int>(sequence_.ops.size());
    Finish();
    return Result();
  }

 private:
  RunResult Result() {
    for (const Subject& subject : subjects_) {
      if (!subject.comparer) continue;
      for (const auto& [reason, count] : subject.comparer->excused()) {
        result_.excused[std::string(subject.target->name()) + ": " + reason] += count;
      }
    }
    return std::move(result_);
  }

  bool Fail(const std::string& target, const std::string& text) {
    result_.failure = Failure{step_, target, text};
    return false;
  }

  bool SetUp() {
    std::filesystem::create_directories(dir_);
    std::vector<Item> items;
    for (const size_t index : selection_.items) items.push_back(sequence_.stack.items[index]);
    items = Applicable(items);
    const auto make = [&](TargetKind kind, const std::string& name) {
      TargetConfig target;
      target.kind = kind;
      target.dir = dir_ + "/" + name;
      target.program = config_.veneerfs;
      target.extra_options = config_.veneer_options;
      return std::make_unique<Target>(std::move(target));
    };
    plain_ = make(TargetKind::kPlain, "plain");
    plain_time_ = std::make_unique<Timeline>();
    plain_time_->BeginStep();
    watchdog_.Feed("set-up");
    if (!plain_->SetUp(sequence_.stack, items)) return Fail("plain", plain_->error());
    plain_time_->EndStep();
    for (const TargetKind kind : config_.targets) {
      Subject& subject = subjects_.emplace_back();
      subject.time = std::make_unique<Timeline>();
      subject.time->BeginStep();
      subject.target = make(kind, "target" + std::to_string(subjects_.size()));
      if (!subject.target->SetUp(sequence_.stack, items)) {
        return Fail(subject.target->name(), subject.target->error());
      }
      subject.time->EndStep();
      subject.comparer =
          std::make_unique<Comparer>(kind, *plain_time_, *subject.time, config_.ignored);
      for (const std::string& layer : subject.target->layer_dirs()) {
        subject.layers_before.push_back(FreezeTree(layer));
      }
    }
    return CompareTrees("before the first step");
  }

  bool Step(const Op& op) {
    switch (op.kind) {
      case OpKind::kCompare: return CompareTrees("compare");
      case OpKind::kDropCaches: return DropCaches();
      case OpKind::kRemount: return Remount();
      case OpKind::kSyncfs: return SyncAll();
      default: break;
    }
    if (config_.slow) {
      const timespec tick{0, 12'000'000};
      ::nanosleep(&tick, nullptr);
    }
    plain_time_->BeginStep();
    const Outcome plain = Execute(op, *plain_);
    plain_time_->EndStep();
    for (Subject& subject : subjects_) {
      if (subject.comparer->leaves()) continue;
      subject.time->BeginStep();
      Outcome got = Execute(op, *subject.target);
      subject.time->EndStep();
      if (config_.sabotage == Sabotage::kResult && step_ == config_.steps / 2) got.error ^= 1;
      const std::string report = subject.comparer->CompareOutcomes(op, plain, got);
      if (!report.empty()) return Fail(subject.target->name(), report);
    }
    return true;
  }

  bool CompareTrees(const std::string& when) {
    watchdog_.Feed(when);
    const Tree plain = WalkTree(plain_->root_fd(), true);
    for (Subject& subject : subjects_) {
      if (subject.comparer->leaves()) continue;
      const Tree got = WalkTree(subject.target->root_fd(), false);
      const std::string report = subject.comparer->CompareTrees(plain, got);
      if (!report.empty())
        return Fail(subject.target->name(), "whole trees, " + when + ":\n" + report);
    }
    return true;
  }

  bool DropCaches() {
    for (Subject& subject : subjects_) {
      if (!subject.target->DropCaches())
        return Fail(subject.target->name(), subject.target->error());
    }
    return true;
  }

  bool Remount() {
    plain_->CloseSlots();
    for (Subject& subject : subjects_) {
      Target& target = *subject.target;
      if (!target.Unmount() || !target.Mount()) return Fail(target.name(), target.error());
    }
    return true;
  }

  bool SyncAll() {
    for (Subject& subject : subjects_) {
      const Fd root(::open(subject.target->root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!root || ::syncfs(root.get()) != 0) {
        return Fail(subject.target->name(), std::string("syncfs: ") + std::strerror(errno));
      }
    }
    return true;
  }

  void Finish() {
    if (config_.sabotage != Sabotage::kNone) {
      for (Subject& subject : subjects_) Commit(config_.sabotage, *subject.target);
    }
    if (!CompareTrees("at the end")) return;
    if (!DropCaches() || !CompareTrees("after dropping caches")) return;
    if (!Remount() || !CompareTrees("after a remount")) return;
    for (Subject& subject : subjects_) {
      Target& target = *subject.target;
      if (!target.Unmount()) {
        Fail(target.name(), target.error());
        return;
      }
      for (size_t i = 0; i < subject.layers_before.size(); ++i) {
        const std::string now = FreezeTree(target.layer_dirs()[i]);
        if (now == subject.layers_before[i]) continue;
        Fail(target.name(), "layer " + std::to_string(i) + " has changed\nbefore:\n" +
                                subject.layers_before[i] + "after:\n" + now);
        return;
      }
      const std::string log = target.DaemonLog();
      if (!log.empty()) {
        Fail(target.name(), "the daemon wrote to standard error:\n" + log);
        return;
      }
    }
  }

  void OnHang(const std::string& last) {
    std::fprintf(stderr, "HANG: nothing for %d seconds; seed %llu, %s\n", kHangSeconds,
                 static_cast<unsigned long long>(config_.seed), last.c_str());
    for (const Subject& subject : subjects_) {
      if (!subject.target) continue;
      std::fprintf(stderr, "%s\n", subject.target->DaemonLog().c_str());
      subject.target->KillDaemon();
    }
  }

  const RunConfig& config_;
  const Sequence& sequence_;
  const Selection& selection_;
  const std::string dir_;
  std::unique_ptr<Target> plain_;
  std::unique_ptr<Timeline> plain_time_;
  std::vector<Subject> subjects_;
  RunResult result_;
  int step_ = -1;
  Watchdog watchdog_;  // last: it looks at the others
};

}  // namespace

Selection Sequence::All() const {
  Selection all;
  all.items.resize(stack.items.size());
  std::iota(all.items.begin(), all.items.end(), size_t{0});
  all.ops.resize(ops.size());
  std::iota(all.ops.begin(), all.ops.end(), size_t{0});
  return all;
}

Sequence MakeSequence(uint64_t seed, int steps, int max_layers) {
  Rng stack_rng(seed * 2 + 1), ops_rng(seed * 2);
  Sequence sequence;
  sequence.stack = GenerateStack(stack_rng, max_layers);
  sequence.ops = GenerateOps(ops_rng, sequence.stack.merged, steps, Repertoire::kAll);
  return sequence;
}

RunResult Run(const RunConfig& config, const Sequence& sequence, const Selection& selection) {
  return Runner(config, sequence, selection).Go();
}

}  // namespace veneer::parity
