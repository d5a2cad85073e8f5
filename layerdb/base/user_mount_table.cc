// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/user_mount_table.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

constexpr const char* kDirectory = "/run/mount";
constexpr const char* kTable = "/run/mount/utab";
constexpr const char* kLock = "/run/mount/utab.lock";
constexpr std::string_view kHelperOption = "OPTS=uhelper=fuse.veneerfs";
// libmount holds the lock for as long as it writes.
constexpr std::chrono::milliseconds kLockPatience{1000};

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\\') {
      char octal[5];
      snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
      escaped += octal;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// The escaped target of one of our entries; empty: the line is another's.
std::string_view TargetOf(std::string_view line) {
  constexpr std::string_view kTarget = " TARGET=";
  if (!line.ends_with(kHelperOption)) return {};
  const size_t start = line.find(kTarget);
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + kTarget.size());
  return line.substr(0, line.find(' '));
}

std::string ReadText(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Sys<Fd> LockTable() {
  VENEER_TRY(Fd fd, sys::OpenFollowing(kLock, O_RDONLY | O_CREAT, 0644));
  VENEER_TRY(const bool locked, TakeLock(fd.get(), LockMode::kExclusive, kLockPatience));
  if (!locked) return Fail(EWOULDBLOCK);
  return fd;
}

Sys<void> ReplaceTable(const std::string& text) {
  std::string staged = std::string(kTable) + ".XXXXXX";
  VENEER_TRY(const Fd fd, sys::MakeTemporaryFile(&staged));
  Sys<void> done = sys::WriteAt(fd.get(), text, 0);
  if (done) done = sys::Chmod({fd.get()}, 0644);
  if (done) done = sys::Rename(sys::Path(staged), sys::Path(kTable), 0);
  if (!done) IgnoreError(sys::Unlink(sys::Path(staged)), "the error that matters is known");
  return done;
}

// Fields of mountinfo are escaped in the same way, so that they can be compared as they are.
bool IsMountPoint(const std::string& mounts, const std::string& escaped) {
  return mounts.find(" " + escaped + " ") != std::string::npos;
}

}  // namespace

std::string WithoutUnmountHelpers(std::string_view table,
                                  FunctionRef<bool(const std::string&)> dropped) {
  std::string kept;
  while (!table.empty()) {
    const size_t newline = table.find('\n');
    const std::string_view line = table.substr(0, newline);
    table.remove_prefix(newline == std::string_view::npos ? table.size() : newline + 1);
    const std::string_view target = TargetOf(line);
    if (!target.empty() && dropped(std::string(target))) continue;
    kept.append(line).append("\n");
  }
  return kept;
}

std::string UnmountHelperEntry(std::string_view source, std::string_view target) {
  return "SRC=" + Escape(source) + " TARGET=" + Escape(target) + " ROOT=/ " +
         std::string(kHelperOption) + "\n";
}

Sys<void> NoteUnmountHelper(const std::string& source, const std::string& target) {
  VENEER_TRY_VOID(EnsureDir(kDirectory, 0755));
  VENEER_TRY(const Fd lock, LockTable());
  const std::string table = ReadText(kTable);
  // A daemon that was killed leaves its entry: those whose mount is gone go now.
  const std::string mounts =
      table.find(kHelperOption) == std::string::npos ? "" : ReadText("/proc/self/mountinfo");
  const std::string own = Escape(target);
  const std::string kept = WithoutUnmountHelpers(table, [&](const std::string& escaped) {
    return escaped == own || !IsMountPoint(mounts, escaped);
  });
  return ReplaceTable(kept + UnmountHelperEntry(source, target));
}

Sys<void> ForgetUnmountHelper(const std::string& target) {
  if (::access(kTable, F_OK) != 0) return {};
  VENEER_TRY(const Fd lock, LockTable());
  const std::string table = ReadText(kTable);
  const std::string own = Escape(target);
  const std::string kept =
      WithoutUnmountHelpers(table, [&](const std::string& escaped) { return escaped == own; });
  if (kept == table) return {};
  return ReplaceTable(kept);
}

}  // namespace veneer
