// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/archive_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr uint64_t kStartEvery = uint64_t{16} << 20;
constexpr size_t kCopyPiece = size_t{1} << 20;

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

// A new file in `folder` under a name that nobody has. `*name` gets it.
Sys<Fd> CreateTemporary(int folder, std::string* name) {
  for (int i = 0;; ++i) {
    *name = ".veneer-" + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp";
    Sys<Fd> fd = sys::Open({folder, name->c_str()}, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd || fd.error().code != EEXIST || i == 1000) return fd;
  }
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
    output->owned_ = Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!output->owned_) return MakeError(Errno{errno}, path);
    output->fd_ = output->owned_.get();
    if (::isatty(output->fd_) != 0) return IsTerminal(path);
    return output;
  }
  const std::string target = exists ? Resolved(path) : path;
  const size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  output->base_name_ = slash == std::string::npos ? target : target.substr(slash + 1);
  output->folder_ = Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!output->folder_) return MakeError(Errno{errno}, "folder " + folder);
  Sys<Fd> fd = CreateTemporary(output->folder_.get(), &output->temporary_);
  if (!fd) {
    output->temporary_.clear();
    return MakeError(fd.error(), "a new file in folder " + folder);
  }
  output->owned_ = *std::move(fd);
  output->fd_ = output->owned_.get();
  // What could not be read by others stays so.
  if (exists && ::fchmod(output->fd_, there.st_mode & 0777) != 0) {
    return MakeError(Errno{errno}, path);
  }
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
  if (temporary_.empty() || size_ - started_ < kStartEvery) return;
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
  while (!temporary_.empty() && left() > 0) {
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

Result<void> ArchiveOutput::Commit() {
  if (temporary_.empty()) return {};
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  VENEER_TRY_CTX_VOID(sys::Sync(fd_, false), "write " + name_);
  const sys::At target{folder_.get(), base_name_.c_str()};
  VENEER_TRY_CTX_VOID(sys::Rename({folder_.get(), temporary_.c_str()}, target, 0),
                      "write " + name_);
  temporary_.clear();
  VENEER_TRY_CTX_VOID(sys::Sync(folder_.get(), false), "write " + name_);
  return {};
}

}  // namespace veneer
