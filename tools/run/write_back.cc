// SPDX-License-Identifier: Apache-2.0
#include "tools/run/write_back.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "layerdb/base/fd.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/sys.h"
#include "tools/run/mount_api.h"

namespace veneer {

namespace {

using Clock = std::chrono::steady_clock;

// Others' requests hide the moment in which none is waiting. After this long it is given up.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::microseconds kPause{500};

// The kernel's count of the requests that are not answered (Documentation/filesystems/fuse.rst),
// whether the daemon has read them or not.
class WaitingRequests {
 public:
  explicit WaitingRequests(dev_t device) {
    const std::string name = std::to_string(minor(device)) + "/waiting";
    Sys<Fd> file = sys::OpenFollowing("/sys/fs/fuse/connections/" + name, O_RDONLY);
    if (!file) {
      // Not everywhere is that file system mounted.
      const Sys<Fd> control = mounts::NewMount("fusectl", {}, 0);
      file = control ? sys::Open({control->get(), name.c_str()}, O_RDONLY) : Fail(control.error());
    }
    if (file) file_ = *std::move(file);
  }

  std::optional<uint64_t> Count() const {
    std::array<char, 32> text;
    const ssize_t n = file_ ? ::pread(file_.get(), text.data(), text.size(), 0) : -1;
    std::string_view left(text.data(), std::max<ssize_t>(n, 0));
    uint64_t count = 0;
    if (!TakeNumber(&left, &count)) return {};
    return count;
  }

 private:
  Fd file_;
};

// Waits for the answer of another FUSE server, which sleeps as one that has nothing to do does.
bool WaitsForAnotherServer(const std::string& thread) {
  std::ifstream file(thread + "/wchan");
  std::string function;
  std::getline(file, function);
  return function.starts_with("request_wait_answer");
}

// Tells for a process whether anything ran in it. A request that is queued wakes one of its threads
// at once, so a daemon in which all sleep has none.
class Rest {
 public:
  explicit Rest(pid_t pid) : threads_(ProcessPath(pid) + "/task/") {}

  // True when no thread has run since the last call. Also when there is no such process: it has no
  // requests either.
  bool Holds() {
    bool asleep = true;
    uint64_t switches = 0;
    for (const int id : NumbersIn(threads_)) {
      const std::string thread = threads_ + std::to_string(id);
      asleep = asleep && !WaitsForAnotherServer(thread);
      std::ifstream status(thread + "/status");
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("State:")) asleep = asleep && line.find("S (") != std::string::npos;
        if (line.find("ctxt_switches:") != std::string::npos) {
          std::string_view text = line;
          text.remove_prefix(text.find_last_of(" \t:") + 1);
          switches += ParseNumber<uint64_t>(text).value_or(0);
        }
      }
    }
    const bool same = asleep && switches_ == switches;
    switches_ = switches;
    return same;
  }

 private:
  std::string threads_;
  std::optional<uint64_t> switches_;
};

}  // namespace

Result<bool> WriteBack(const std::string& mount_point, std::optional<pid_t> daemon) {
  VENEER_TRY_CTX(const Fd root, sys::OpenFollowing(mount_point, O_RDONLY | O_DIRECTORY),
                 mount_point);
  VENEER_TRY_CTX_VOID(sys::SyncFs(root.get()), "sync " + mount_point);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({root.get()}), mount_point);
  const WaitingRequests waiting(st.st_dev);
  std::optional<Rest> rest;
  if (!waiting.Count()) {
    if (!daemon) return false;
    rest.emplace(*daemon);
  }
  const auto deadline = Clock::now() + kPatience;
  while (Clock::now() < deadline) {
    if (rest ? rest->Holds() : waiting.Count() == 0) {
      // Nothing is left to be written: this only asks, by the same descriptor, whether a write
      // failed since the first time.
      VENEER_TRY_CTX_VOID(sys::SyncFs(root.get()), "sync " + mount_point);
      return true;
    }
    std::this_thread::sleep_for(kPause);
  }
  return false;
}

}  // namespace veneer
