// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>

#include <cstdio>
#include <sstream>

#include "tests/mount/parity/op.h"

namespace veneer::parity {
namespace {

const char* Name(OpKind kind) {
  static const char* const names[] = {
      "open",        "tmpfile",     "close",       "read",      "write",    "pread",
      "pwrite",      "direct-io",   "ftruncate",   "fallocate", "seek",     "holes",
      "copy-range",  "sendfile",    "fchmod",      "fchown",    "futimens", "fstat",
      "fsync",       "flock",       "range-lock",  "link-fd",   "getdents", "get-flags",
      "set-flags",   "mmap",        "map-read",    "map-write", "msync",    "munmap",
      "truncate",    "chmod",       "chown",       "utimens",   "mkdir",    "rmdir",
      "remove-tree", "unlink",      "symlink",     "link",      "mknod",    "rename",
      "stat",        "readlink",    "access",      "statfs",    "handle",   "list",
      "walk",        "read-file",   "write-file",  "long-path", "setxattr", "getxattr",
      "listxattr",   "removexattr", "drop-caches", "remount",   "syncfs",   "compare"};
  return names[static_cast<int>(kind)];
}

std::string OpenFlags(int flags) {
  static const std::pair<int, const char*> names[] = {
      {O_CREAT, "CREAT"},       {O_EXCL, "EXCL"}, {O_TRUNC, "TRUNC"}, {O_APPEND, "APPEND"},
      {O_NOFOLLOW, "NOFOLLOW"}, {O_SYNC, "SYNC"}, {O_PATH, "PATH"},   {O_NOATIME, "NOATIME"}};
  std::string out = (flags & O_ACCMODE) == O_RDONLY ? "RDONLY"
                    : (flags & O_ACCMODE) == O_RDWR ? "RDWR"
                                                    : "WRONLY";
  if ((flags & O_TMPFILE) == O_TMPFILE) {
    out += "|TMPFILE";
  } else if ((flags & O_DIRECTORY) != 0) {
    out += "|DIRECTORY";
  }
  for (const auto& [bit, name] : names) {
    if ((flags & bit) == bit) out += std::string("|") + name;
  }
  return out;
}

std::string Time(const timespec& t) {
  if (t.tv_nsec == UTIME_NOW) return "NOW";
  if (t.tv_nsec == UTIME_OMIT) return "OMIT";
  return std::to_string(t.tv_sec) + "." + std::to_string(t.tv_nsec);
}

std::string Octal(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

std::string RenameFlags(int flags) {
  if (flags == 0) return "";
  std::string out;
  if ((flags & RENAME_NOREPLACE) != 0) out += " NOREPLACE";
  if ((flags & RENAME_EXCHANGE) != 0) out += " EXCHANGE";
  return out.empty() ? " flags " + std::to_string(flags) : out;
}

}  // namespace

std::string Quote(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c >= 32 && c < 127 && c != '\'' && c != '\\') {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
      out += hex;
    }
    if (out.size() > 70) return out + "…' (" + std::to_string(text.size()) + " bytes)";
  }
  return out + "'";
}

std::string Describe(const Op& op) {
  std::ostringstream out;
  out << Name(op.kind);
  const std::string range = " at " + std::to_string(op.offset) + " size " + std::to_string(op.size);
  switch (op.kind) {
    case OpKind::kOpen:
    case OpKind::kTmpfile:
      out << " " << Quote(op.path) << " " << OpenFlags(op.flags) << " mode " << Octal(op.mode)
          << " -> slot " << op.slot;
      break;
    case OpKind::kCopyRange:
    case OpKind::kSendfile:
      out << " slot " << op.slot << range << " -> slot " << op.slot2 << " at " << op.offset2;
      break;
    case OpKind::kFchmod: out << " slot " << op.slot << " " << Octal(op.mode); break;
    case OpKind::kFchown:
      out << " slot " << op.slot << " " << static_cast<int>(op.uid) << ":"
          << static_cast<int>(op.gid);
      break;
    case OpKind::kFutimens:
      out << " slot " << op.slot << " " << Time(op.times[0]) << " " << Time(op.times[1]);
      break;
    case OpKind::kFallocate:
    case OpKind::kSeek:
    case OpKind::kFlock:
    case OpKind::kRangeLock:
    case OpKind::kSetFlags:
    case OpKind::kMap:
      out << " slot " << op.slot << range << " flags " << op.flags;
      if (op.kind == OpKind::kMap) out << " of descriptor slot " << op.slot2;
      break;
    case OpKind::kClose:
    case OpKind::kFstat:
    case OpKind::kFsync:
    case OpKind::kGetFlags:
    case OpKind::kUnmap:
    case OpKind::kGetdents:
    case OpKind::kHoles: out << " slot " << op.slot; break;
    case OpKind::kRead:
    case OpKind::kWrite:
    case OpKind::kPread:
    case OpKind::kPwrite:
    case OpKind::kDirectIo:
    case OpKind::kFtruncate:
    case OpKind::kMapRead:
    case OpKind::kMapWrite:
    case OpKind::kMapSync:
      out << " slot " << op.slot << range << (LeavesDirtyPages(op) ? ", left dirty" : "");
      break;
    case OpKind::kWriteFile:
      out << " " << Quote(op.path) << " " << OpenFlags(op.flags) << range << " mode "
          << Octal(op.mode);
      break;
    case OpKind::kTruncate: out << " " << Quote(op.path) << " to " << op.offset; break;
    case OpKind::kChmod:
    case OpKind::kMkdir: out << " " << Quote(op.path) << " " << Octal(op.mode); break;
    case OpKind::kMknod:
      out << " " << Quote(op.path) << " type " << Octal(static_cast<uint32_t>(op.flags)) << " mode "
          << Octal(op.mode) << " minor " << op.size;
      break;
    case OpKind::kChown:
      out << " " << Quote(op.path) << " " << static_cast<int>(op.uid) << ":"
          << static_cast<int>(op.gid) << (op.flags != 0 ? " nofollow" : "");
      break;
    case OpKind::kUtimens:
      out << " " << Quote(op.path) << " " << Time(op.times[0]) << " " << Time(op.times[1])
          << (op.flags != 0 ? " nofollow" : "");
      break;
    case OpKind::kSymlink: out << " " << Quote(op.path) << " -> " << Quote(op.path2); break;
    case OpKind::kLink:
    case OpKind::kRename:
      out << " " << Quote(op.path) << " " << Quote(op.path2)
          << (op.kind == OpKind::kRename ? RenameFlags(op.flags)
              : op.flags != 0            ? " follow"
                                         : "");
      break;
    case OpKind::kLinkFd: out << " slot " << op.slot << " as " << Quote(op.path2); break;
    case OpKind::kSetXattr:
    case OpKind::kGetXattr:
    case OpKind::kListXattr:
    case OpKind::kRemoveXattr:
      if (op.flags == static_cast<int>(XattrBy::kSlot))
        out << " slot " << op.slot;
      else
        out << " " << Quote(op.path) << (op.flags != 0 ? " nofollow" : "");
      if (op.kind != OpKind::kListXattr) out << " " << Quote(op.name);
      if (op.kind == OpKind::kSetXattr)
        out << " value of " << op.value.size() << " bytes, flags " << op.mode;
      break;
    case OpKind::kLongPath: out << " of " << op.flags << " bytes"; break;
    case OpKind::kDropCaches:
    case OpKind::kRemount:
    case OpKind::kSyncfs:
    case OpKind::kCompare: break;
    default:
      out << " " << Quote(op.path) << (op.flags != 0 ? " flags " + std::to_string(op.flags) : "");
      break;
  }
  const Credential& who = Credentials()[static_cast<size_t>(op.who)];
  if (op.who != 0) out << " [by " << who.uid << ":" << who.gid << "]";
  out << " [umask " << Octal(op.umask) << "]";
  return out.str();
}

}  // namespace veneer::parity
