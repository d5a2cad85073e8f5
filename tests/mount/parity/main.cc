// SPDX-License-Identifier: Apache-2.0
//
// veneer_parity: runs the same random operations on veneerfs, on kernel overlayfs and on a plain
// directory, and compares everything. See --help. A failure prints the command line that replays
// it.
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/mount/parity/apply.h"
#include "tests/mount/parity/run.h"
#include "tests/mount/parity/sabotage.h"
#include "tests/support/temp_dir.h"

namespace veneer::parity {
namespace {

constexpr int kSkip = 77;

constexpr char kHelp[] = R"(usage: veneer_parity [options] [DIR [PLAIN]]
Runs the same random operations on a plain directory and on union mounts, and compares every result.
With DIR, which others have made and mounted, runs the operations of one seed there, and prints
those that succeed. With PLAIN too, a plain directory that holds the same as DIR, a mount of
veneerfs, runs them in both, and compares every result; --seed, --steps, --repertoire, --keep-ops
and --ignore are for these.
  --veneerfs PATH       the program to test; without it only kernel overlayfs is compared
  --veneer-options O    appended to its -o
  --no-overlay          leave kernel overlayfs out
  --seed S              the first seed; a random one without it
  --runs N              so many seeds, one after another (1)
  --steps N             operations per run (300)
  --layers N            lower layers at most (5)
  --repertoire WHICH    the operations: all, no-links, paths (nothing stays open),
                        or layers (changes that an archive can hold)
  --dir PATH            where to work ($TMPDIR or /tmp)
  --tmpfs               work on a tmpfs mounted there
  --minimise[=TRIES]    after a failure look for a smaller one (300 runs at most)
  --keep-ops LIST       only these operations of the seed, such as 3,5-9
  --keep-items LIST     only these items of the seed's layers
  --ignore FIELD        do not compare this, such as "change time"; may be repeated
  --slow                one tick of the clock per operation, so that times are compared exactly
  --verbose             print each operation
  --self-test           change things behind the test's back and see that it notices
Exit: 0 all agree, 1 a difference, 2 usage, 77 cannot run here.
)";

struct Options {
  RunConfig run;
  bool seed_given = false;
  bool overlay = true;
  bool tmpfs = false;
  bool self_test = false;
  int runs = 1;
  int minimise = 0;
  std::string dir;
  std::string keep_ops;
  std::string keep_items;
  Repertoire repertoire = Repertoire::kAll;
  std::vector<std::string> trees;  // DIR, PLAIN
};

bool ParseRepertoire(const std::string& name, Repertoire* repertoire) {
  static const std::map<std::string, Repertoire> all = {{"all", Repertoire::kAll},
                                                        {"no-links", Repertoire::kNoLinks},
                                                        {"paths", Repertoire::kPaths},
                                                        {"layers", Repertoire::kLayers}};
  const auto found = all.find(name);
  if (found != all.end()) *repertoire = found->second;
  return found != all.end();
}

bool Parse(int argc, char** argv, Options* options) {
  enum : int {
    kVeneerfs = 256,
    kVeneerOptions,
    kNoOverlay,
    kSeed,
    kRuns,
    kSteps,
    kLayers,
    kRepertoire,
    kDir,
    kTmpfs,
    kMinimise,
    kKeepOps,
    kKeepItems,
    kVerbose,
    kIgnore,
    kSlow,
    kSelfTest,
    kHelpOption
  };
  static const option longs[] = {{"veneerfs", required_argument, nullptr, kVeneerfs},
                                 {"veneer-options", required_argument, nullptr, kVeneerOptions},
                                 {"no-overlay", no_argument, nullptr, kNoOverlay},
                                 {"seed", required_argument, nullptr, kSeed},
                                 {"runs", required_argument, nullptr, kRuns},
                                 {"steps", required_argument, nullptr, kSteps},
                                 {"layers", required_argument, nullptr, kLayers},
                                 {"repertoire", required_argument, nullptr, kRepertoire},
                                 {"dir", required_argument, nullptr, kDir},
                                 {"tmpfs", no_argument, nullptr, kTmpfs},
                                 {"minimise", optional_argument, nullptr, kMinimise},
                                 {"keep-ops", required_argument, nullptr, kKeepOps},
                                 {"keep-items", required_argument, nullptr, kKeepItems},
                                 {"verbose", no_argument, nullptr, kVerbose},
                                 {"ignore", required_argument, nullptr, kIgnore},
                                 {"slow", no_argument, nullptr, kSlow},
                                 {"self-test", no_argument, nullptr, kSelfTest},
                                 {"help", no_argument, nullptr, kHelpOption},
                                 {nullptr, 0, nullptr, 0}};
  const char* const tmp = std::getenv("TMPDIR");
  options->dir = tmp != nullptr ? tmp : "/tmp";
  for (;;) {
    const int what = ::getopt_long(argc, argv, "", longs, nullptr);
    if (what == -1) {
      options->trees.assign(argv + optind, argv + argc);
      return options->trees.size() <= 2;
    }
    switch (what) {
      case kVeneerfs: options->run.veneerfs = std::filesystem::absolute(optarg); break;
      case kVeneerOptions: options->run.veneer_options = optarg; break;
      case kNoOverlay: options->overlay = false; break;
      case kSeed:
        options->run.seed = std::strtoull(optarg, nullptr, 10);
        options->seed_given = true;
        break;
      case kRuns: options->runs = std::atoi(optarg); break;
      case kSteps: options->run.steps = std::atoi(optarg); break;
      case kLayers: options->run.max_layers = std::atoi(optarg); break;
      case kRepertoire:
        if (!ParseRepertoire(optarg, &options->repertoire)) return false;
        break;
      case kDir: options->dir = optarg; break;
      case kTmpfs: options->tmpfs = true; break;
      case kMinimise: options->minimise = optarg != nullptr ? std::atoi(optarg) : 300; break;
      case kKeepOps: options->keep_ops = optarg; break;
      case kKeepItems: options->keep_items = optarg; break;
      case kVerbose: options->run.verbose = true; break;
      case kSlow: options->run.slow = true; break;
      case kIgnore: options->run.ignored.insert(optarg); break;
      case kSelfTest: options->self_test = true; break;
      case kHelpOption: std::fputs(kHelp, stdout); std::exit(0);
      default: return false;
    }
  }
}

// A working directory in a mount namespace of its own, without access times: reading must not
// change anything.
class WorkPlace {
 public:
  // Empty dir() on failure, which has been printed.
  WorkPlace(const std::string& parent, bool tmpfs) { Make(parent, tmpfs); }
  ~WorkPlace() {
    if (made_.empty()) made_ = dir_;
    if (made_.empty()) return;
    ::umount2(made_.c_str(), MNT_DETACH);
    std::error_code error;
    std::filesystem::remove_all(made_, error);
    if (error)
      std::fprintf(stderr, "cannot remove %s: %s\n", made_.c_str(), error.message().c_str());
  }
  WorkPlace(const WorkPlace&) = delete;
  WorkPlace& operator=(const WorkPlace&) = delete;

  const std::string& dir() const { return dir_; }

 private:
  void Make(const std::string& parent, bool tmpfs) {
    dir_ = veneer::MakeTempDirIn(parent, "parity");
    if (dir_.empty()) return Complain("make a directory in " + parent);
    ::chmod(dir_.c_str(), 0755);
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return Complain("make a mount namespace");
    }
    const bool mounted =
        tmpfs ? ::mount("tmpfs", dir_.c_str(), "tmpfs", MS_NOATIME, "size=1g,mode=0755") == 0
              : ::mount(dir_.c_str(), dir_.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                    ::mount(nullptr, dir_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_NOATIME,
                            nullptr) == 0;
    if (!mounted) Complain("mount " + dir_);
  }

  void Complain(const std::string& what) {
    std::fprintf(stderr, "cannot %s: %s\n", what.c_str(), std::strerror(errno));
    made_ = dir_;
    dir_.clear();
  }

  std::string dir_;
  std::string made_;  // to be removed although unusable
};

bool KernelHasOverlay(const std::string& dir) {
  const std::string base = dir + "/probe";
  for (const char* name : {"", "/lower", "/upper", "/work", "/root"})
    ::mkdir((base + name).c_str(), 0700);
  const std::string options = "lowerdir=" + base + "/lower,upperdir=" + base +
                              "/upper,workdir=" + base +
                              "/work,redirect_dir=on,metacopy=off,index=on,nfs_export=off";
  const bool has = ::mount("overlay", (base + "/root").c_str(), "overlay", 0, options.c_str()) == 0;
  if (has) ::umount2((base + "/root").c_str(), 0);
  std::filesystem::remove_all(base);
  return has;
}

std::string ReplayCommand(const Options& options, const Selection& selection,
                          const Selection& all) {
  std::string out = "veneer_parity";
  if (!options.run.veneerfs.empty()) out += " --veneerfs " + options.run.veneerfs;
  if (!options.run.veneer_options.empty()) out += " --veneer-options " + options.run.veneer_options;
  for (const std::string& field : options.run.ignored) out += " --ignore '" + field + "'";
  if (options.run.slow) out += " --slow";
  if (!options.overlay) out += " --no-overlay";
  if (options.tmpfs) out += " --tmpfs";
  out += " --seed " + std::to_string(options.run.seed) + " --steps " +
         std::to_string(options.run.steps) + " --layers " + std::to_string(options.run.max_layers);
  if (selection.ops != all.ops) out += " --keep-ops " + ToRanges(selection.ops);
  if (selection.items != all.items) out += " --keep-items " + ToRanges(selection.items);
  return out;
}

void Print(const Options& options, const Sequence& sequence, const Selection& selection,
           const Failure& failure) {
  const bool at_op = failure.step >= 0 && failure.step < static_cast<int>(sequence.ops.size());
  std::printf("MISMATCH: seed %llu, step %d, %s\n",
              static_cast<unsigned long long>(options.run.seed), failure.step,
              failure.target.c_str());
  if (at_op)
    std::printf("operation: %s\n",
                Describe(sequence.ops[static_cast<size_t>(failure.step)]).c_str());
  std::printf("%s\nreplay: %s\n", failure.text.c_str(),
              ReplayCommand(options, selection, sequence.All()).c_str());
}

void PrintSmall(const Sequence& sequence, const Selection& selection) {
  std::printf("layers:\n");
  for (const size_t i : selection.items)
    std::printf("  %4zu  %s\n", i, Describe(sequence.stack.items[i]).c_str());
  std::printf("operations:\n");
  for (const size_t i : selection.ops)
    std::printf("  %4zu  %s\n", i, Describe(sequence.ops[i]).c_str());
}

bool OneSeed(Options options, std::map<std::string, int>* excused) {
  const Sequence sequence =
      MakeSequence(options.run.seed, options.run.steps, options.run.max_layers);
  Selection selection = sequence.All();
  if (!options.keep_ops.empty() && !FromRanges(options.keep_ops, &selection.ops)) return false;
  if (!options.keep_items.empty() && !FromRanges(options.keep_items, &selection.items))
    return false;
  const RunResult result = Run(options.run, sequence, selection);
  for (const auto& [reason, count] : result.excused) (*excused)[reason] += count;
  if (!result.failure) return true;
  Print(options, sequence, selection, *result.failure);
  if (options.minimise > 0) {
    options.run.slow = true;
    const Selection small = Minimise(options.run, sequence, selection, options.minimise);
    const RunResult again = Run(options.run, sequence, small);
    if (again.failure) {
      std::printf("\nSMALLER:\n");
      PrintSmall(sequence, small);
      Print(options, sequence, small, *again.failure);
    }
  }
  std::fflush(stdout);
  return false;
}

// Every sabotage is noticed, and nothing is noticed where there is none.
bool SelfTest(Options options) {
  options.run.targets = {TargetKind::kMirror};
  bool good = true;
  for (int i = 0; i < kSabotages; ++i) {
    options.run.sabotage = static_cast<Sabotage>(i);
    const Sequence sequence =
        MakeSequence(options.run.seed, options.run.steps, options.run.max_layers);
    const RunResult result = Run(options.run, sequence, sequence.All());
    const bool expected = options.run.sabotage != Sabotage::kNone;
    const bool noticed = result.failure.has_value();
    std::printf("%s: %s was %s\n", noticed == expected ? "ok" : "FAILED",
                SabotageName(options.run.sabotage), noticed ? "noticed" : "not noticed");
    if (noticed && !expected)
      std::printf("step %d: %s\n", result.failure->step, result.failure->text.c_str());
    good = good && noticed == expected;
  }
  return good;
}

bool ApplyToTrees(const Options& options) {
  ApplyConfig config{
      options.run.seed, options.run.steps, options.repertoire, options.run.ignored, {}};
  if (!options.keep_ops.empty() && !FromRanges(options.keep_ops, &config.kept)) return false;
  if (options.trees.size() == 1) return Apply(config, options.trees[0]);
  return ApplyToBoth(config, options.trees[0], options.trees[1]);
}

int Skip(const char* why) {
  std::printf("SKIPPED: %s\n", why);
  return kSkip;
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, &options)) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  // A write to a fifo that nobody reads is a result like others: EPIPE.
  std::signal(SIGPIPE, SIG_IGN);
  if (::geteuid() != 0)
    return Skip("the parity test needs root: it makes devices and takes other users' ids");
  if (!options.run.veneerfs.empty() && ::access("/dev/fuse", R_OK | W_OK) != 0) {
    return Skip("/dev/fuse is missing");
  }
  if (!options.seed_given) options.run.seed = std::random_device()();
  ::umask(0);
  if (!options.trees.empty()) return ApplyToTrees(options) ? 0 : 1;
  const WorkPlace place(options.dir, options.tmpfs);
  if (place.dir().empty()) return 1;
  options.run.base_dir = place.dir();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (options.self_test) return SelfTest(options) ? 0 : 1;

  if (!options.run.veneerfs.empty()) options.run.targets.push_back(TargetKind::kVeneer);
  if (options.overlay && KernelHasOverlay(place.dir())) {
    options.run.targets.push_back(TargetKind::kOverlay);
  } else if (options.overlay) {
    std::printf("kernel overlayfs is not available here and is left out\n");
  }
  if (options.run.targets.empty()) return Skip("nothing to compare with a plain directory");
  std::map<std::string, int> excused;
  int failed = 0;
  const uint64_t first = options.run.seed;
  for (int i = 0; i < options.runs; ++i) {
    options.run.seed = first + static_cast<uint64_t>(i);
    std::printf("seed %llu\n", static_cast<unsigned long long>(options.run.seed));
    if (!OneSeed(options, &excused)) ++failed;
  }
  for (const auto& [reason, count] : excused)
    std::printf("excused %d times, %s\n", count, reason.c_str());
  std::printf("%d of %d runs failed\n", failed, options.runs);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace veneer::parity

int main(int argc, char** argv) { return veneer::parity::Main(argc, argv); }
