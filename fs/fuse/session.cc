// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/session.h"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fs/fuse/loop.h"
#include "fs/fuse/old_libfuse.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/raw_protocol.h"
#include "fs/fuse/request.h"
#include "fs/options/mount_arguments.h"
#include "layerdb/base/fd.h"

namespace veneer {
namespace {

// The longest WRITE and READ: what libfuse and the kernel agree upon at most (256 pages).
constexpr unsigned kMaxTransfer = 1 << 20;
// Room for the headers of a request (libfuse: FUSE_BUFFER_HEADER_SIZE, one page).
constexpr size_t kRequestHeaders = 4096;
// Readahead and asynchronous direct requests that may be under way.
constexpr unsigned kMaxBackground = 64;

void Init(void* userdata, fuse_conn_info* connection) {
  Mount& mount = *static_cast<Mount*>(userdata);
  mount.kernel_minor = connection->proto_minor;
  // Left out on purpose: ATOMIC_O_TRUNC (there is no OPEN to carry it), WRITEBACK_CACHE (contents
  // are right, times are not: bench/FINDINGS.md), ASYNC_DIO (the kernel leaves pages in its cache
  // that were read during an asynchronous direct write, for ever; a notification that takes them
  // away waits for whoever reads them, and a daemon that is killed then never ends), lock
  // forwarding (the kernel's own locks are right for a local file system), AUTO_INVAL_DATA (nothing
  // changes behind the kernel's back), HANDLE_KILLPRIV (its successor is better), EXPORT_SUPPORT (a
  // handle would outlive the node that it names), splicing (measured: a tenth faster for reads of
  // 128 KiB, much slower for longer ones).
  unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_DONT_MASK | FUSE_CAP_NO_OPEN_SUPPORT |
                    FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_IOCTL_DIR;
  if (mount.acl) wanted |= FUSE_CAP_POSIX_ACL;
  const Optimizations& optimizations = mount.optimizations;
  if (optimizations.cache_symlinks) wanted |= FUSE_CAP_CACHE_SYMLINKS;
  if (optimizations.parallel_dirops) wanted |= FUSE_CAP_PARALLEL_DIROPS;
  if (optimizations.readdirplus) {
    wanted |= FUSE_CAP_READDIRPLUS;
    if (optimizations.readdirplus_auto) wanted |= FUSE_CAP_READDIRPLUS_AUTO;
  }
#if VENEER_OLD_LIBFUSE
  connection->want = connection->capable & wanted;
#else
  wanted |= FUSE_CAP_SETXATTR_EXT | FUSE_CAP_NO_EXPORT_SUPPORT;
  if (optimizations.killpriv) wanted |= FUSE_CAP_HANDLE_KILLPRIV_V2;
  if (mount.open_files != nullptr) wanted |= FUSE_CAP_PASSTHROUGH;
  const uint64_t agreed = connection->capable_ext & wanted;
  fuse_unset_feature_flag(connection, ~agreed);  // libfuse has defaults of its own
  fuse_set_feature_flag(connection, agreed);
  mount.kill_privileges = (agreed & FUSE_CAP_HANDLE_KILLPRIV_V2) != 0;
  mount.long_setxattr = (agreed & FUSE_CAP_SETXATTR_EXT) != 0;
  mount.passthrough = (agreed & FUSE_CAP_PASSTHROUGH) != 0;
  connection->max_backing_stack_depth = kPassthroughDepth - 1;  // it counts the backing files' own
#endif
  if (mount.debug) {
    fuse_log(FUSE_LOG_DEBUG, "INIT: %u.%u, capable %#x, wanted %#x\n", connection->proto_major,
             connection->proto_minor, connection->capable, wanted);
  }
  connection->max_write = kMaxTransfer;
  connection->max_background = kMaxBackground;
  connection->congestion_threshold = kMaxBackground * 3 / 4;
  connection->time_gran = 1;
}

fuse_lowlevel_ops Handlers() {
  fuse_lowlevel_ops ops = {};
  ops.init = Init;
  for (const Operation& operation : Operations()) {
    if (operation.enter != nullptr) operation.enter(ops);
  }
  return ops;
}

// Keeps what libfuse and fusermount3 print, so that the user gets one line that says all.
class StderrCapture {
 public:
  StderrCapture() : file_(::memfd_create("stderr", MFD_CLOEXEC)), old_(::dup(STDERR_FILENO)) {
    if (file_ && old_) ::dup2(file_.get(), STDERR_FILENO);
  }
  ~StderrCapture() { End(); }
  StderrCapture(const StderrCapture&) = delete;
  StderrCapture& operator=(const StderrCapture&) = delete;

  // The first line that was printed, without the name of its program; empty: none.
  std::string End() {
    if (!file_ || !old_) return {};
    ::dup2(old_.get(), STDERR_FILENO);
    old_.Reset();
    char text[512];
    const ssize_t n = ::pread(file_.get(), text, sizeof(text), 0);
    std::string line(text, n > 0 ? static_cast<size_t>(n) : 0);
    line = line.substr(0, line.find('\n'));
    for (const char* prefix : {"fuse: ", "fusermount3: "}) {
      if (line.starts_with(prefix)) line.erase(0, std::string_view(prefix).size());
    }
    return line;
  }

 private:
  Fd file_;
  Fd old_;
};

bool HostHasSelinux() { return ::access("/sys/fs/selinux/enforce", F_OK) == 0; }

MountHost HostOf(const MountPaths& paths, bool selinux) {
  MountHost host;
  host.root = ::geteuid() == 0;
  host.selinux = selinux;
  std::vector<std::string> directories = paths.lowers;
  if (!paths.upper.empty()) directories.push_back(paths.upper);
  for (const std::string& path : directories) {
    struct statvfs st = {};
    // A layer that has gone is met with its own message later.
    if (::statvfs(path.c_str(), &st) != 0) continue;
    host.layers_nosuid = host.layers_nosuid || (st.f_flag & ST_NOSUID) != 0;
    host.layers_nodev = host.layers_nodev || (st.f_flag & ST_NODEV) != 0;
  }
  return host;
}

// What the directory that is written, or the top layer, has as st_blksize.
blksize_t BlockSizeOf(const MountPaths& paths) {
  struct stat st = {};
  const std::string& path = paths.upper.empty() ? paths.lowers.front() : paths.upper;
  // One that has gone is met with its own message.
  return ::stat(path.c_str(), &st) == 0 ? st.st_blksize : 4096;
}

// Counts a request while it is served.
class InService {
 public:
  explicit InService(std::atomic<int>& count) : count_(count) {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  ~InService() { count_.fetch_sub(1, std::memory_order_relaxed); }
  InService(const InService&) = delete;
  InService& operator=(const InService&) = delete;

 private:
  std::atomic<int>& count_;
};

int UsableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace

struct Session::State {
  ~State() {
    if (session == nullptr) return;
    // A mount point of /dev/fd/N was mounted by somebody else, who unmounts it; newer libfuses
    // would try to.
    if (!mounted_by_caller) fuse_session_unmount(session);
    fuse_session_destroy(session);
  }
  bool mounted_by_caller = false;
  Mount mount;
  Statistics statistics;
  RecentTruncations truncations;
  Interrupts interrupts;
  std::optional<KernelBackings> backings;
  std::optional<OpenFiles> open_files;
  fuse_session* session = nullptr;
  std::unique_ptr<Loop> loop;
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::Create(const MountOptions& options,
                                                 const MountPaths& paths, UnionFs& fs) {
  auto state = std::make_unique<State>();
  Mount& mount = state->mount;
  mount.fs = &fs;
  mount.statistics = &state->statistics;
  mount.truncations = &state->truncations;
  mount.interrupts = &state->interrupts;
  mount.ids = options.ids;
  mount.timeout = options.timeout;
  mount.block_size = BlockSizeOf(paths);
  state->mounted_by_caller = paths.device_fd >= 0;
  mount.acl = options.acl;
  mount.xattrs = options.xattrs;
  mount.fsync = options.fsync;
  mount.debug = options.debug;
  mount.selinux = HostHasSelinux();
  mount.optimizations = options.optimizations;

  std::vector<std::string> words = MountArguments(options, HostOf(paths, mount.selinux));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(argv.size()), argv.data());
  const fuse_lowlevel_ops ops = Handlers();

  StderrCapture capture;
  state->session = fuse_session_new(&args, &ops, sizeof(ops), &mount);
  fuse_opt_free_args(&args);
  const bool mounted = state->session != nullptr &&
                       fuse_session_mount(state->session, paths.mount_point.c_str()) == 0;
  const std::string said = capture.End();
  if (!mounted) {
    return MakeError("cannot mount on " + paths.mount_point + ": " +
                     (said.empty() ? "libfuse gave no reason" : said));
  }
  mount.device = fuse_session_fd(state->session);
  VENEER_TRY_CTX_VOID(CompleteReplies(state->session, mount.device),
                      "cannot set up the connection to the kernel");

  // Without an upper no file can be passed; see open_files.h.
  if (options.io == IoMode::kPassthrough && !paths.upper.empty()) {
    mount.upper = paths.upper;
    mount.backings = &state->backings.emplace(mount.device);
    mount.open_files = &state->open_files.emplace(*mount.backings);
  }

  LoopOptions loop_options;
  loop_options.buffer_size = kMaxTransfer + kRequestHeaders;
  loop_options.processors = UsableProcessors();
  if (!options.optimizations.polling) loop_options.window = std::chrono::microseconds(0);
  fuse_session* session = state->session;
  Sys<std::unique_ptr<Loop>> loop =
      Loop::Create(mount.device, loop_options, [session, &mount](char* request, size_t size) {
        const auto start = std::chrono::steady_clock::now();
        const InService in_service(mount.in_service);
        const uint32_t opcode = OpcodeOf(request);
        if (!ServeRaw(mount, request, size)) {
          fuse_buf buffer = {};
          buffer.mem = request;
          buffer.size = size;
          fuse_session_process_buf(session, &buffer);
        }
        if (opcode == FUSE_INIT) DecidePassthrough(mount);
        mount.statistics->Served(opcode, std::chrono::steady_clock::now() - start);
      });
  VENEER_TRY_CTX(state->loop, std::move(loop), "cannot set up the request loop");
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

void Session::Run() { state_->loop->Run(); }
void Session::Stop() { state_->loop->Stop(); }

void Session::Drain(std::chrono::milliseconds limit) {
  // A request that has been read and not been counted yet is met by looking more than once.
  constexpr int kLooks = 5;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (int quiet = 0; quiet < kLooks && std::chrono::steady_clock::now() < deadline;) {
    pollfd device = {state_->mount.device, POLLIN, 0};
    const bool busy = ::poll(&device, 1, 0) > 0 || state_->mount.in_service > 0;
    quiet = busy ? 0 : quiet + 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string Session::StatisticsText() const {
  const UnionFs& fs = *state_->mount.fs;
  return state_->statistics.ToJson(fs.counters(), fs.NodeCount());
}
std::string Session::LibfuseVersion() { return fuse_pkgversion(); }
void Session::BeforeBlocking() { Loop::BeforeBlocking(); }
bool Session::CallerIsBeingKilled() { return veneer::CallerIsBeingKilled(); }

}  // namespace veneer
