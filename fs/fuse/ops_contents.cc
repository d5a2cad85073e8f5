// SPDX-License-Identifier: Apache-2.0
//
// Contents of regular files. OPEN is answered ENOSYS, so that the kernel never asks again: requests
// name a node, not an open file, and a file once read is opened, read and closed without this
// daemon. With io=passthrough OPEN and RELEASE are answered in open_requests.cc; everything here is
// the same then.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <optional>
#include <thread>

#include "fs/fuse/handlers.h"
#include "fs/fuse/loop.h"
#include "fs/fuse/open_requests.h"
#include "fs/fuse/raw_protocol.h"
#include "fs/fuse/request.h"

namespace veneer {

void serve::Open(Request& r, fuse_ino_t node, fuse_file_info* file) {
  if (r.mount().optimizations.stateless) return r.ReplyError(ENOSYS);
  if ((file->flags & O_ACCMODE) != O_RDONLY) {
    // The upper knows what chattr(1) has forbidden; the kernel does not.
    const Sys<Fd> opened = r.fs().OpenUpperContents(node, file->flags & (O_ACCMODE | O_APPEND));
    if (!opened) return r.ReplyError(opened.error().code);
  }
  r.ReplyOpen(file);
}

// Of a file that was made open (CREATE, TMPFILE), and of any with stateless=off; there is nothing
// to let go.
void serve::Release(Request& r, fuse_ino_t /*node*/, fuse_file_info* /*unused*/) {
  r.ReplyError(0);
}

namespace {

// One pread(2), again after a signal.
ssize_t ReadOnce(int fd, char* buffer, size_t size, uint64_t offset, int flags) {
  const iovec part = {buffer, size};
  ssize_t n = 0;
  do {
    n = ::preadv2(fd, &part, 1, static_cast<off_t>(offset), flags);
  } while (n < 0 && errno == EINTR);
  return n;
}

// Reads up to `size` bytes; fewer only at the end of the file. What is in the page cache is taken
// at once.
Sys<size_t> ReadFully(int fd, char* buffer, size_t size, uint64_t offset) {
  size_t done = 0;
  int flags = RWF_NOWAIT;
  std::optional<Loop::DiskWait> wait;
  while (done < size) {
    const ssize_t n = ReadOnce(fd, buffer + done, size - done, offset + done, flags);
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0) {
      break;
    } else if (flags != 0 && (errno == EAGAIN || errno == EOPNOTSUPP)) {
      wait.emplace();
      flags = 0;
    } else {
      return FailErrno();
    }
  }
  return done;
}

// Before the answer to a READ that met the end of the file; see recent_truncations.h.
void AwaitTruncation(const Request& r, fuse_ino_t node) {
  // A file that is truncated all the time is waited for a few times, and not for ever.
  for (int turn = 0; turn < 8; ++turn) {
    const auto wait =
        r.mount().truncations->Wait(node, r.caller_thread(), RecentTruncations::Clock::now());
    if (wait.count() == 0) return;
    Loop::BeforeBlocking();
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace

void serve::Read(Request& r, fuse_ino_t node, size_t size, off_t offset,
                 fuse_file_info* /*unused*/) {
  const Sys<ReadResult> content = r.fs().Read(node, static_cast<uint64_t>(offset), size);
  if (!content) return r.ReplyError(content.error().code);
  if (content->fd < 0) {
    r.ReplyBytes(content->bytes);
    return;
  }
  char* buffer = ScratchBuffer(content->size);
  const Sys<size_t> done = ReadFully(content->fd, buffer, content->size, content->offset);
  if (!done) return r.ReplyError(done.error().code);
  // The kernel would show zeros in place of the rest.
  if (*done < content->must) return r.ReplyError(EIO);
  if (*done < content->size) AwaitTruncation(r, node);
  r.ReplyBytes({buffer, *done});
}

namespace {

Sys<bool> HasSetId(Request& r, fuse_ino_t node) {
  VENEER_TRY(const Attr attr, r.fs().GetAttr(node));
  return (attr.mode & (S_ISUID | S_ISGID)) != 0;
}

Sys<size_t> WriteBytes(Request& r, fuse_ino_t node, std::string_view bytes, uint64_t offset) {
  const CallerGroups groups(r);
  if (!CurrentRawBits().kill_privileges) return r.fs().Write(node, offset, bytes, false, &groups);
  VENEER_TRY(const bool set_id, HasSetId(r, node));
  const Sys<size_t> written = r.fs().Write(node, offset, bytes, true, &groups);
  // The kernel keeps the mode that it knows, and would execute the file with the bits.
  if (set_id) ForgetAttributes(r.mount(), node);
  return written;
}

// The kernel takes the pages of a mapping for written whatever count the answer has, so the answer
// is an error unless all were: the rest is tried again, and meets it.
Sys<size_t> WriteWhole(Request& r, fuse_ino_t node, std::string_view bytes, uint64_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    VENEER_TRY(const size_t n, WriteBytes(r, node, bytes.substr(done), offset + done));
    if (n == 0) return Fail(EIO);
    done += n;
  }
  return done;
}

}  // namespace

void serve::Write(Request& r, fuse_ino_t node, const char* data, size_t size, off_t offset,
                  fuse_file_info* file) {
  // The others are sent under the lock that the kernel sets sizes under.
  const bool may_be_late =
      CurrentRawBits().from_mapping || file->fh == kDirectHandle || (file->flags & O_DIRECT) != 0;
  if (!may_be_late) r.mount().truncations->Settled(node);
  const auto write = CurrentRawBits().from_mapping ? WriteWhole : WriteBytes;
  const Sys<size_t> written = write(r, node, {data, size}, static_cast<uint64_t>(offset));
  // After a write with O_SYNC or O_DSYNC the kernel sends FSYNC, but not around its page cache.
  const bool to_disk = file->fh == kDirectHandle && (file->flags & O_DSYNC) != 0;
  if (!written || !to_disk || !r.mount().fsync) return r.ReplyCount(written);
  const Sys<void> synced = r.fs().Sync(node, (file->flags & O_SYNC) != O_SYNC);
  if (!synced) return r.ReplyError(synced.error().code);
  r.ReplyCount(written);
}

namespace {

// FALLOCATE and COPY_FILE_RANGE have no bit for it, but they are writes: those of anybody but root
// take set-user-ID and set-group-ID away (file_modified() in the kernel, which leaves it to us with
// HANDLE_KILLPRIV_V2).
Sys<void> DropPrivileges(Request& r, fuse_ino_t node) {
  if (!r.mount().kill_privileges || r.caller_is_root()) return {};
  VENEER_TRY(const bool set_id, HasSetId(r, node));
  if (!set_id) return {};
  AttrChange change;
  const CallerGroups groups(r);
  change.kill_privileges = true;
  change.groups = &groups;
  VENEER_TRY_VOID(r.fs().SetAttr(node, change));
  ForgetAttributes(r.mount(), node);
  return {};
}

}  // namespace

void serve::Allocate(Request& r, fuse_ino_t node, int mode, off_t offset, off_t length,
                     fuse_file_info* /*unused*/) {
  const Sys<void> dropped = DropPrivileges(r, node);
  if (!dropped) return r.ReplyError(dropped.error().code);
  r.Reply(
      r.fs().Allocate(node, mode, static_cast<uint64_t>(offset), static_cast<uint64_t>(length)));
}

void serve::Seek(Request& r, fuse_ino_t node, off_t offset, int whence,
                 fuse_file_info* /*unused*/) {
  r.ReplyOffset(r.fs().Seek(node, static_cast<uint64_t>(offset), whence));
}

void serve::CopyRange(Request& r, fuse_ino_t from, off_t from_offset, fuse_file_info* /*unused*/,
                      fuse_ino_t to, off_t to_offset, fuse_file_info* /*unused*/, size_t size,
                      int /*flags*/) {
  const Sys<void> dropped = DropPrivileges(r, to);
  if (!dropped) return r.ReplyError(dropped.error().code);
  r.ReplyCount(r.fs().CopyRange(from, static_cast<uint64_t>(from_offset), to,
                                static_cast<uint64_t>(to_offset), size));
}

void serve::Sync(Request& r, fuse_ino_t node, int data_only, fuse_file_info* /*unused*/) {
  if (!r.mount().fsync) return r.ReplyError(0);
  r.Reply(r.fs().Sync(node, data_only != 0));
}

}  // namespace veneer
