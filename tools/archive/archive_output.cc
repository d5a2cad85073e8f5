// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/archive_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr uint64_t kStartEvery = uint64_t{16} << 20;
constexpr size_t kCopyPiece = size_t{1} << 20;
constexpr mode_t kMode = 0600;

tl::unexpected<Error> IsTerminal(const std::string& name) {
  return MakeError(name + " is a terminal; name a file with -o, or send the archive to a pipe",
                   ExitCode::kUsage);
}

// Where a symlink ends, when it does.
std::string Resolved(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string out = resolved;
  std::free(resolved);
  return out;
}

// Calls `make` with one name after another, until it makes one that nobody has. `*name` gets it.
Sys<void> WithTemporaryName(std::string* name, FunctionRef<Sys<void>(const char*)> make) {
  for (int i = 0;; ++i) {
    *name = ".veneer-" + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp";
    Sys<void> made = make(name->c_str());
    if (!made && made.error().code == EEXIST && i < 1000) continue;
    if (!made) name->clear();
    return made;
  }
}

// A new file in `folder` that has no name yet, and can get one.
Sys<Fd> CreateNameless(int folder) {
  VENEER_TRY(Fd fd, sys::Open({folder, "."}, O_TMPFILE | O_RDWR, kMode));
  // Without /proc it could not be linked.
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  if (::access(link.c_str(), F_OK) != 0) return FailErrno();
  return fd;
}

// Nameless where possible; else `*name` gets the name.
Sys<Fd> Create(int folder, std::string* name) {
  Sys<Fd> fd = CreateNameless(folder);
  if (fd || fd.error().code == ENOSPC || fd.error().code == EACCES) return fd;
  VENEER_TRY_VOID(WithTemporaryName(name, [&](const char* made) -> Sys<void> {
    VENEER_TRY(fd, sys::Open({folder, made}, O_RDWR | O_CREAT | O_EXCL, kMode));
    return {};
  }));
  return fd;
}

}  // namespace

Result<std::unique_ptr<ArchiveOutput>> ArchiveOutput::ToFile(const std::string& path,
                                                             const Cancellation* cancel) {
  if (path.empty()) return MakeError("the name of the output file is empty", ExitCode::kUsage);
  std::unique_ptr<ArchiveOutput> output(new ArchiveOutput(path, cancel));
  struct stat there {};
  const bool exists = ::stat(path.c_str(), &there) == 0;
  if ((exists && S_ISDIR(there.st_mode)) || (!exists && path.ends_with('/'))) {
    return MakeError(path + " is a directory; name a file", ExitCode::kUsage);
  }
  if (exists && !S_ISREG(there.st_mode)) {
    VENEER_TRY_CTX(output->owned_, sys::OpenFollowing(path, O_WRONLY | O_NOCTTY), path);
    output->fd_ = output->owned_.get();
    if (::isatty(output->fd_) != 0) return IsTerminal(path);
    return output;
  }
  const std::string target = exists ? Resolved(path) : path;
  const size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  output->base_name_ = slash == std::string::npos ? target : target.substr(slash + 1);
  VENEER_TRY_CTX(output->folder_, sys::OpenFollowing(folder, O_RDONLY | O_DIRECTORY),
                 "folder " + folder);
  VENEER_TRY_CTX(output->owned_, Create(output->folder_.get(), &output->temporary_),
                 "a new file in folder " + folder);
  output->fd_ = output->owned_.get();
  return output;
}

Result<std::unique_ptr<ArchiveOutput>> ArchiveOutput::ToDescriptor(int fd, const std::string& name,
                                                                   const Cancellation* cancel) {
  if (::isatty(fd) != 0) return IsTerminal(name);
  std::unique_ptr<ArchiveOutput> output(new ArchiveOutput(name, cancel));
  output->fd_ = fd;
  return output;
}

Result<std::unique_ptr<ArchiveOutput>> ArchiveOutput::Open(const std::optional<std::string>& path,
                                                           const Cancellation* cancel) {
  if (path && *path != "-") return ToFile(*path, cancel);
  return ToDescriptor(STDOUT_FILENO, "standard output", cancel);
}

ArchiveOutput::~ArchiveOutput() {
  if (temporary_.empty()) return;
  IgnoreError(sys::Unlink({folder_.get(), temporary_.c_str()}), "there is nobody to tell");
}

tl::unexpected<Error> ArchiveOutput::Failed(Errno e) const {
  return MakeError(e, "write " + name_);
}

// The disk works while the next pieces are made, so that little is left to wait for at the end.
void ArchiveOutput::StartWriting() {
  if (!is_file() || size_ - started_ < kStartEvery) return;
  ::sync_file_range(fd_, static_cast<off64_t>(started_), static_cast<off64_t>(size_ - started_),
                    SYNC_FILE_RANGE_WRITE);
  started_ = size_;
}

Result<void> ArchiveOutput::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    const ssize_t size = ::write(fd_, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failed(Errno{errno});
    size_ += static_cast<uint64_t>(size);
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  StartWriting();
  return {};
}

Result<void> ArchiveOutput::WriteFrom(int fd, uint64_t size) {
  off64_t from = 0;
  const auto left = [&] { return size - static_cast<uint64_t>(from); };
  // Between two files the kernel can copy, or share, without us.
  while (is_file() && left() > 0) {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    const ssize_t done =
        ::copy_file_range(fd, &from, fd_, nullptr, std::min<uint64_t>(left(), kStartEvery), 0);
    if (done <= 0) break;  // then by reading, which tells why
    size_ += static_cast<uint64_t>(done);
    StartWriting();
  }
  std::string buffer(std::min<uint64_t>(left(), kCopyPiece), '\0');
  while (left() > 0) {
    const auto want = static_cast<size_t>(std::min<uint64_t>(left(), buffer.size()));
    VENEER_TRY_CTX(const size_t got,
                   sys::ReadAt(fd, buffer.data(), want, static_cast<uint64_t>(from)), "read");
    if (got == 0) return MakeError("a temporary file was cut short");
    VENEER_TRY_VOID(Write({buffer.data(), got}));
    from += static_cast<off64_t>(got);
  }
  return {};
}

// For a file whose place is taken: no call links over a name.
Sys<void> ArchiveOutput::GiveTemporaryName() {
  return WithTemporaryName(&temporary_, [&](const char* name) {
    return sys::Link({fd_}, {folder_.get(), name});
  });
}

Result<void> ArchiveOutput::Commit() {
  if (!is_file()) return {};
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  const std::string what = "write " + name_;
  VENEER_TRY_CTX_VOID(sys::Sync(fd_, false), what);
  const sys::At target{folder_.get(), base_name_.c_str()};
  if (temporary_.empty()) {
    const Sys<void> linked = sys::Link({fd_}, target);
    if (!linked && linked.error().code != EEXIST) return MakeError(linked.error(), what);
    if (!linked) VENEER_TRY_CTX_VOID(GiveTemporaryName(), what);
  }
  if (!temporary_.empty()) {
    VENEER_TRY_CTX_VOID(sys::Rename({folder_.get(), temporary_.c_str()}, target, 0), what);
    temporary_.clear();
  }
  VENEER_TRY_CTX_VOID(sys::Sync(folder_.get(), false), what);
  return {};
}

}  // namespace veneer
