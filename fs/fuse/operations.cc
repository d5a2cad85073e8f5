// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/operations.h"

#include <linux/fs.h>

#include "fs/fuse/handlers.h"
#include "fs/fuse/open_requests.h"
#include "fs/fuse/statx_request.h"

namespace veneer {
namespace {

template <auto kMember, auto kHandler>
void Enter(fuse_lowlevel_ops& ops) {
  ops.*kMember = Op<kHandler>::Call;
}

ChangedNodes Itself(const RawRequest& request) { return {request.header.nodeid, kNoNode}; }

ChangedNodes Flags(const RawRequest& request) {
  const unsigned command = request.Argument<fuse_ioctl_in>().cmd;
  const bool sets = command == FS_IOC_SETFLAGS || command == FS_IOC_FSSETXATTR;
  return {sets ? request.header.nodeid : kNoNode, kNoNode};
}

ChangedNodes FileAndDirectory(const RawRequest& request) {
  return {request.header.nodeid, request.Argument<fuse_link_in>().oldnodeid};
}

ChangedNodes BothDirectories(const RawRequest& request) {
  return {request.header.nodeid,
          request.Argument<fuse_rename_in>().newdir};  // first in RENAME2 too
}

ChangedNodes Target(const RawRequest& request) {
  return {request.Argument<fuse_copy_file_range_in>().nodeid_out, kNoNode};
}

bool HasOpenFiles(const Mount& mount) { return mount.open_files != nullptr; }

using Ops = fuse_lowlevel_ops;

// One line for an operation: opcode, name, handler called by libfuse, changes, handler of the raw
// request. clang-format off
constexpr Operation kOperations[] = {
    {FUSE_LOOKUP, "LOOKUP", Enter<&Ops::lookup, serve::Lookup>},
    {FUSE_FORGET, "FORGET", Enter<&Ops::forget, serve::Forget>},
    {FUSE_GETATTR, "GETATTR", Enter<&Ops::getattr, serve::GetAttr>},
    {FUSE_SETATTR, "SETATTR", Enter<&Ops::setattr, serve::SetAttr>, Itself},
    {FUSE_READLINK, "READLINK", Enter<&Ops::readlink, serve::ReadLink>},
    {FUSE_SYMLINK, "SYMLINK", Enter<&Ops::symlink, serve::MakeSymlink>, Itself},
    {FUSE_MKNOD, "MKNOD", Enter<&Ops::mknod, serve::MakeNode>, Itself},
    {FUSE_MKDIR, "MKDIR", Enter<&Ops::mkdir, serve::MakeDirectory>, Itself},
    {FUSE_UNLINK, "UNLINK", Enter<&Ops::unlink, serve::Unlink>, Itself},
    {FUSE_RMDIR, "RMDIR", Enter<&Ops::rmdir, serve::RemoveDirectory>, Itself},
    {FUSE_RENAME, "RENAME", Enter<&Ops::rename, serve::Rename>, BothDirectories},
    {FUSE_LINK, "LINK", Enter<&Ops::link, serve::Link>, FileAndDirectory},
    {FUSE_OPEN, "OPEN", Enter<&Ops::open, serve::Open>, nullptr, serve::OpenPassed, MayPass},
    {FUSE_READ, "READ", Enter<&Ops::read, serve::Read>},
    {FUSE_WRITE, "WRITE", Enter<&Ops::write, serve::Write>, Itself},
    {FUSE_STATFS, "STATFS", Enter<&Ops::statfs, serve::StatFs>},
    {FUSE_RELEASE, "RELEASE", Enter<&Ops::release, serve::Release>, nullptr, serve::ReleasePassed,
     HasOpenFiles},
    {FUSE_FSYNC, "FSYNC", Enter<&Ops::fsync, serve::Sync>},
    {FUSE_SETXATTR, "SETXATTR", Enter<&Ops::setxattr, serve::SetXattr>, Itself},
    {FUSE_GETXATTR, "GETXATTR", Enter<&Ops::getxattr, serve::GetXattr>},
    {FUSE_LISTXATTR, "LISTXATTR", Enter<&Ops::listxattr, serve::ListXattr>},
    {FUSE_REMOVEXATTR, "REMOVEXATTR", Enter<&Ops::removexattr, serve::RemoveXattr>, Itself},
    {FUSE_FLUSH, "FLUSH"},
    {FUSE_INIT, "INIT"},  // session.cc, Init()
    {FUSE_OPENDIR, "OPENDIR", Enter<&Ops::opendir, serve::OpenDir>},
    {FUSE_READDIR, "READDIR", Enter<&Ops::readdir, serve::ReadDir>},
    {FUSE_RELEASEDIR, "RELEASEDIR"},
    {FUSE_FSYNCDIR, "FSYNCDIR", Enter<&Ops::fsyncdir, serve::Sync>},
    {FUSE_GETLK, "GETLK"},
    {FUSE_SETLK, "SETLK"},
    {FUSE_SETLKW, "SETLKW"},
    {FUSE_ACCESS, "ACCESS"},
    {FUSE_CREATE, "CREATE", nullptr, Itself, serve::Create},
    {FUSE_INTERRUPT, "INTERRUPT", nullptr, nullptr, serve::Interrupt},
    {FUSE_BMAP, "BMAP"},
    {FUSE_DESTROY, "DESTROY"},
    {FUSE_IOCTL, "IOCTL", Enter<&Ops::ioctl, serve::Ioctl>, Flags},
    {FUSE_POLL, "POLL"},
    {FUSE_NOTIFY_REPLY, "NOTIFY_REPLY"},
    {FUSE_BATCH_FORGET, "BATCH_FORGET", Enter<&Ops::forget_multi, serve::ForgetMulti>},
    {FUSE_FALLOCATE, "FALLOCATE", Enter<&Ops::fallocate, serve::Allocate>, Itself},
    {FUSE_READDIRPLUS, "READDIRPLUS", Enter<&Ops::readdirplus, serve::ReadDirPlus>},
    {FUSE_RENAME2, "RENAME2", Enter<&Ops::rename, serve::Rename>, BothDirectories},
    {FUSE_LSEEK, "LSEEK", Enter<&Ops::lseek, serve::Seek>},
    {FUSE_COPY_FILE_RANGE, "COPY_FILE_RANGE", Enter<&Ops::copy_file_range, serve::CopyRange>,
     Target},
    {FUSE_SETUPMAPPING, "SETUPMAPPING"},
    {FUSE_REMOVEMAPPING, "REMOVEMAPPING"},
    {FUSE_SYNCFS, "SYNCFS", nullptr, nullptr, serve::SyncFs},
    {FUSE_TMPFILE, "TMPFILE", nullptr, Itself, serve::MakeTmpFile},
    {kStatxOpcode, "STATX", nullptr, nullptr, serve::Statx},
};
// clang-format on

// Where an opcode stands in the table, plus one.
constexpr std::array<uint8_t, kStatxOpcode + 1> kPositions = [] {
  std::array<uint8_t, kStatxOpcode + 1> positions = {};
  uint8_t position = 0;
  for (const Operation& operation : kOperations) positions[operation.opcode] = ++position;
  return positions;
}();

}  // namespace

std::span<const Operation> Operations() { return kOperations; }

const Operation* FindOperation(uint32_t opcode) {
  if (opcode >= kPositions.size() || kPositions[opcode] == 0) return nullptr;
  return &kOperations[kPositions[opcode] - 1];
}

std::string RequestLine(const fuse_in_header& header) {
  const Operation* operation = FindOperation(header.opcode);
  std::string line = "unique: " + std::to_string(header.unique) + ", opcode: ";
  line += operation != nullptr ? operation->name : "UNKNOWN";
  line += " (" + std::to_string(header.opcode) + "), nodeid: " + std::to_string(header.nodeid) +
          ", insize: " + std::to_string(header.len) + ", pid: " + std::to_string(header.pid);
  return line;
}

}  // namespace veneer
