// SPDX-License-Identifier: Apache-2.0
#include "tools/run/mount_stubs.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "layerdb/base/files.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/sys.h"
#include "tools/run/mount_api.h"

namespace veneer {

namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel counts (path_resolution(7))
constexpr uint64_t kMaxRecord = 1 << 20;

void SplitInto(std::string_view path, std::deque<std::string>* front) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  front->insert(front->begin(), parts.begin(), parts.end());
}

std::string Join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += "/" + part;
  return path;
}

bool SameFileSystem(int a, int b) {
  const auto first = sys::Stat({a});
  const auto second = sys::Stat({b});
  return first && second && first->st_dev == second->st_dev;
}

std::string ReadRecord(int fd) {
  std::string text;
  const auto st = sys::Stat({fd});
  if (!st || static_cast<uint64_t>(st->st_size) > kMaxRecord) return text;
  text.resize(st->st_size);
  const auto read = sys::ReadAt(fd, text.data(), text.size(), 0);
  text.resize(read ? *read : 0);
  return text;
}

Sys<Timestamp> MtimeOf(int directory) {
  VENEER_TRY(const struct stat st, sys::Stat({directory}));
  return Timestamp{st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
}

Sys<void> Note(int record, const Stub& stub) {
  const std::string text = FormatStub(stub);
  if (::write(record, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return FailErrno();
  }
  return {};
}

Sys<StubState> StateOf(const sys::At& at, int record) {
  VENEER_TRY(const struct stat st, sys::Stat(at));
  VENEER_TRY(const struct stat owner, sys::Stat({record}));
  XattrList xattrs;
  const Sys<std::vector<std::string>> names = sys::ListXattr(at);
  if (!names && names.error().code != EOPNOTSUPP) return Fail(names.error());
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    // One that may not be read is compared by its name.
    xattrs.emplace_back(name, sys::GetXattr(at, name.c_str()).value_or(""));
  }
  return StubState{st.st_mode & ALLPERMS,
                   {st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)},
                   XattrsHash(std::move(xattrs)),
                   st.st_uid == owner.st_uid,
                   st.st_gid == owner.st_gid};
}

enum class Mounted { kHere, kNo };

// The work directory's name of what is to take a stub's place, and then of the stub. Whatever is
// left of it goes at the next mount.
constexpr const char* kReplaced = "replaced-stub";

// Removes the stubs of one record.
class Removal {
 public:
  Removal(int record, int root, Mounted mounted, const MountStubs::BareLayer* bare)
      : record_(record), root_(root), mounted_(mounted), bare_(bare) {}

  // Children before their parents: in the opposite order of the record.
  void Run() const {
    std::vector<Stub> stubs = ParseStubs(ReadRecord(record_));
    std::ranges::reverse(stubs);
    bool failed = false;
    for (const Stub& stub : stubs) failed = RemoveStub(stub) == Outcome::kFailed || failed;
    if (failed) return;
    IgnoreError(sys::Truncate(record_, 0),
                "a stub that is gone already is passed over the next time");
  }

 private:
  enum class Outcome {
    kGone,
    kKept,    // it is no stub any more
    kFailed,  // it is to be removed still
  };

  // What this namespace has mounted on the stub is taken off first; the current directory changes.
  Outcome RemoveStub(const Stub& stub) const {
    const std::string name = stub.path.substr(stub.path.rfind('/') + 1);
    const Sys<Fd> parent =
        mounts::OpenInRoot(root_, "/" + ParentPath(stub), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!parent) return Lacking(parent.error());
    if (mounted_ == Mounted::kHere && ::fchdir(parent->get()) == 0) {
      while (::umount2(name.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
      }
    }
    const sys::At at{parent->get(), name.c_str()};
    const Sys<Timestamp> now = MtimeOf(parent->get());
    if (!now) return Outcome::kFailed;
    if (const Outcome outcome = TakeAway(at, stub); outcome != Outcome::kGone) return outcome;
    const Timestamp mtime = MtimeWithout(stub, *now);
    if (MtimeOf(parent->get()).value_or(Timestamp()) == mtime) return Outcome::kGone;
    struct timespec times[2];
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = {mtime.sec, mtime.nsec};
    IgnoreError(sys::SetTimes({parent->get()}, times), "only the directory's time is at stake");
    return Outcome::kGone;
  }

  Outcome TakeAway(const sys::At& at, const Stub& stub) const {
    const auto st = sys::Stat(at);
    if (!st) return Lacking(st.error());
    if (stub.directory != S_ISDIR(st->st_mode)) return Outcome::kKept;
    if (!stub.directory && (!S_ISREG(st->st_mode) || st->st_size != 0)) return Outcome::kKept;
    const Sys<StubState> state = StateOf(at, record_);
    if (!state) return Outcome::kFailed;
    if (!IsAsMade(stub, *state)) return Outcome::kKept;
    if (bare_ != nullptr) {
      const Result<bool> in_image = bare_->is_in_image(stub.path.substr(1));
      if (!in_image) return Outcome::kFailed;
      if (*in_image) return Removed(Replace(at, stub));
    }
    return Removed(stub.directory ? sys::RemoveDir(at) : sys::Unlink(at));
  }

  // Puts a whiteout in the place of the stub, in one step: a kill leaves one of them. Only the
  // kernel's form is made; where there is none, the stub waits for a mount.
  Sys<void> Replace(const sys::At& at, const Stub& stub) const {
    const sys::At whiteout{bare_->work, kReplaced};
    if (!sys::Unlink(whiteout)) static_cast<void>(sys::RemoveDir(whiteout));
    VENEER_TRY_VOID(sys::MakeNode(whiteout, S_IFCHR, 0));
    if (!stub.directory) return sys::Rename(whiteout, at, 0);
    // Nobody else is at work in the layer, so empty is empty still when it has moved.
    VENEER_TRY(const Fd directory, sys::Open(at, O_RDONLY | O_DIRECTORY));
    bool empty = true;
    VENEER_TRY_VOID(sys::ReadDir(directory.get(), [&](const sys::Dirent&) { empty = false; }));
    if (!empty) return Fail(ENOTEMPTY);
    VENEER_TRY_VOID(sys::Rename(whiteout, at, RENAME_EXCHANGE));
    IgnoreError(sys::RemoveDir(whiteout), "the work directory is emptied at the next mount");
    return {};
  }

  static Outcome Lacking(Errno e) {
    return e.code == ENOENT || e.code == ENOTDIR ? Outcome::kGone : Outcome::kFailed;
  }
  static Outcome Removed(const Sys<void>& done) {
    if (done) return Outcome::kGone;
    const int code = done.error().code;
    return code == ENOTEMPTY || code == EEXIST ? Outcome::kKept : Outcome::kFailed;
  }

  const int record_;
  const int root_;
  const Mounted mounted_;
  const MountStubs::BareLayer* bare_;
};

}  // namespace

Result<MountStubs> MountStubs::Open(const std::string& path) {
  MountStubs stubs;
  VENEER_TRY_CTX(stubs.record_, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_APPEND, 0600),
                 path);
  VENEER_TRY_CTX_VOID(TakeLock(stubs.record_.get(), LockMode::kShared, kForever), "lock " + path);
  return stubs;
}

Sys<void> MountStubs::Make(int parent, const std::string& parent_path, const std::string& name,
                           bool directory, bool recorded) {
  const bool noted = recorded && record_;
  Stub stub{parent_path + "/" + name, directory, {}};
  if (noted) {
    VENEER_TRY(stub.before, MtimeOf(parent));
    VENEER_TRY_VOID(Note(record_.get(), stub));
  }
  const sys::At at{parent, name.c_str()};
  VENEER_TRY_VOID(directory ? sys::MakeDir(at, 0755) : sys::MakeNode(at, S_IFREG | 0644, 0));
  if (!noted) return {};
  if (const Sys<Timestamp> after = MtimeOf(parent)) {
    stub.after = *after;
    if (const Sys<StubState> made = StateOf(at, record_.get())) stub.made = *made;
    IgnoreError(Note(record_.get(), stub), "then the directory's time stays as it is");
  }
  return {};
}

// Component by component, because what is missing must be made where a symlink points to, and
// inside the root. Each step opens one name of a directory that was opened before, so nothing can
// lead outside.
Sys<Fd> MountStubs::Target(int root, const std::string& path, bool directory) {
  std::vector<std::string> done;  // the path so far, without symlinks
  std::deque<std::string> rest;
  SplitInto(path, &rest);
  int symlinks = 0;
  Fd here(::fcntl(root, F_DUPFD_CLOEXEC, 0));
  if (!here) return FailErrno();
  while (!rest.empty()) {
    const std::string name = rest.front();
    rest.pop_front();
    if (name == "..") {
      if (!done.empty()) done.pop_back();
      auto back = mounts::OpenInRoot(root, done.empty() ? "/" : Join(done), O_PATH | O_DIRECTORY);
      if (!back) return Fail(back.error());
      here = std::move(*back);
      continue;
    }
    const bool last = rest.empty();
    auto next = sys::Open({here.get(), name.c_str()}, O_PATH);
    if (!next && next.error().code == ENOENT) {
      const auto made =
          Make(here.get(), Join(done), name, directory || !last, SameFileSystem(here.get(), root));
      if (!made && made.error().code != EEXIST) return Fail(made.error());
      next = sys::Open({here.get(), name.c_str()}, O_PATH);
    }
    if (!next) return Fail(next.error());
    const auto st = sys::Stat({next->get()});
    if (!st) return Fail(st.error());
    if (S_ISLNK(st->st_mode)) {
      if (++symlinks > kMaxSymlinks) return Fail(ELOOP);
      const auto target = sys::ReadLink({next->get()});
      if (!target) return Fail(target.error());
      if (target->starts_with('/')) {
        done.clear();
        here = Fd(::fcntl(root, F_DUPFD_CLOEXEC, 0));
        if (!here) return FailErrno();
      }
      SplitInto(*target, &rest);
      continue;
    }
    if (!last && !S_ISDIR(st->st_mode)) return Fail(ENOTDIR);
    done.push_back(name);
    here = std::move(*next);
  }
  const auto st = sys::Stat({here.get()});
  if (!st) return Fail(st.error());
  if (S_ISDIR(st->st_mode) != directory) return Fail(directory ? ENOTDIR : EISDIR);
  return here;
}

void MountStubs::Remove(int root) {
  if (!record_) return;
  if (!TakeLock(record_.get(), LockMode::kExclusive, kNoPatience).value_or(false)) return;
  Removal(record_.get(), root, Mounted::kHere, nullptr).Run();
}

void MountStubs::RemoveStale(const std::string& record, int root, const BareLayer* bare) {
  const Sys<Fd> file = sys::Open(sys::Path(record), O_RDWR);
  if (!file || !TakeLock(file->get(), LockMode::kExclusive, kNoPatience).value_or(false)) return;
  Removal(file->get(), root, Mounted::kNo, bare).Run();
}

std::vector<pid_t> MountStubs::Sessions(const std::string& path) {
  std::vector<pid_t> sessions;
  const Sys<Fd> file = sys::OpenFollowing(path, O_PATH);
  if (!file) return sessions;
  for (const FileLock& lock : FlocksOn(file->get(), Doubtful::kLeftOut)) {
    if (!lock.exclusive) sessions.push_back(lock.pid);
  }
  return sessions;
}

bool MountStubs::Listed(const std::string& path) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0 && st.st_size > 0;
}

}  // namespace veneer
