// SPDX-License-Identifier: Apache-2.0
//
// A place where a run carries out its operations: a plain directory (the reference), kernel
// overlayfs, or veneerfs. A target owns its layers, its mount, and the descriptors and mappings
// that operations hold open. Not thread-safe.
#ifndef VENEER_TESTS_MOUNT_PARITY_TARGET_H_
#define VENEER_TESTS_MOUNT_PARITY_TARGET_H_

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "tests/mount/parity/op.h"
#include "tests/mount/parity/stack.h"

namespace veneer::parity {

// kMirror is a second plain directory, with layers on disk that nothing reads: for the harness's
// own test.
enum class TargetKind { kPlain, kOverlay, kVeneer, kMirror };

// A shared mapping, and a descriptor of what is mapped to ask for its size.
struct Mapping {
  char* address = nullptr;
  size_t length = 0;
  uint64_t offset = 0;  // in the file
  bool writable = false;
  Fd fd;
};

struct TargetConfig {
  TargetKind kind = TargetKind::kPlain;
  std::string dir;            // empty directory of its own; everything of this target is inside
  std::string program;        // veneerfs
  std::string extra_options;  // appended to -o of veneerfs
};

class Target {
 public:
  explicit Target(TargetConfig config);
  // A tree that is there already, and stays; only Open() is for it.
  Target(TargetKind kind, std::string root);
  // Unmounts and ends the daemon; leaves the files to the owner of `dir`.
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // Writes the layers, or the merged tree for the plain target, and mounts. False: error() says
  // why.
  bool SetUp(const Stack& stack, const std::vector<Item>& items);
  bool Mount();
  bool Open();
  // Closes everything and unmounts; with veneerfs, waits for the daemon and wants exit code 0.
  bool Unmount();
  // Sends SIGKILL to the daemon, now; another thread may call it. Nothing when there is none.
  void KillDaemon() const;
  // Lets the kernel forget every name and inode of this mount that is not in use.
  bool DropCaches();
  void CloseSlots();

  TargetKind kind() const { return config_.kind; }
  const char* name() const;
  const std::string& root() const { return root_; }
  int root_fd() const { return root_fd_.get(); }
  const std::vector<std::string>& layer_dirs() const { return layer_dirs_; }
  const std::string& error() const { return error_; }
  // What the daemon wrote to its standard error since it was started.
  std::string DaemonLog() const;

  // Held by operations; -1 and nullptr when free.
  std::array<Fd, kSlots> slots;
  std::array<Mapping, kMaps> maps;

 private:
  bool Fail(const std::string& what);
  bool StartDaemon(const std::string& options);
  bool ReapDaemon(int timeout_ms, int* status);
  std::string LowerOption() const;

  TargetConfig config_;
  std::string root_;  // where the operations run
  Fd root_fd_;
  std::vector<std::string> layer_dirs_;
  std::string error_;
  pid_t daemon_ = -1;
  bool mounted_ = false;
};

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_TARGET_H_
