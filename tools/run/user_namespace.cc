// SPDX-License-Identifier: Apache-2.0
#include "tools/run/user_namespace.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "layerdb/base/fd.h"
#include "layerdb/base/log.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/sys.h"
#include "tools/process/process.h"

namespace veneer {

namespace {

// user_namespaces(7): at most 340 lines in a map.
constexpr size_t kMaxExtents = 340;
constexpr uint32_t kSubordinateIds = 65536;  // SUB_UID_COUNT of login.defs(5)

std::string ReadWholeFile(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<void> WriteFile(const std::string& path, const std::string& text) {
  VENEER_TRY_CTX(const Fd file, sys::OpenFollowing(path, O_WRONLY), "write " + path);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return MakeError(Errno{errno}, "write " + path);
  }
  return {};
}

Result<void> RunMapper(const char* program, pid_t target, const std::vector<IdExtent>& extents) {
  Command command;
  command.argv = {program, std::to_string(target)};
  for (const IdExtent& extent : extents) {
    command.argv.push_back(std::to_string(extent.inside));
    command.argv.push_back(std::to_string(extent.outside));
    command.argv.push_back(std::to_string(extent.count));
  }
  VENEER_TRY(const Outcome outcome, RunCommand(command));
  if (outcome.exit_code == 0) return {};
  return MakeError(std::string(program) + ": " + outcome.error_text +
                   "; going on with one user id only");
}

// Written by the process itself: only its own id may be mapped, and setgroups(2) must be given up
// first (user_namespaces(7)).
Result<void> WriteSingleId(const UserMapping& mapping) {
  const auto line = [](const IdExtent& extent) {
    return std::to_string(extent.inside) + " " + std::to_string(extent.outside) + " 1\n";
  };
  VENEER_TRY_VOID(WriteFile("/proc/self/setgroups", "deny"));
  VENEER_TRY_VOID(WriteFile("/proc/self/uid_map", line(mapping.uids.front())));
  return WriteFile("/proc/self/gid_map", line(mapping.gids.front()));
}

// A child that stays in the parent namespace and, once told that `target` has left it, writes the
// maps with the help of newuidmap and newgidmap. Answers with its exit code.
[[noreturn]] void MapFromOutside(pid_t target, const UserMapping& mapping, int go) {
  char byte = 0;
  if (::read(go, &byte, 1) != 1) _exit(1);
  Result<void> mapped = CheckMappers();
  if (mapped) mapped = RunMapper("newuidmap", target, mapping.uids);
  if (mapped) mapped = RunMapper("newgidmap", target, mapping.gids);
  if (!mapped) {
    LogWarning(mapped.error().message());
    _exit(1);
  }
  _exit(0);
}

// What stands against it, as far as the errno of unshare(2) and what Debian adds to the kernel
// tell.
std::string HelpWithNamespaces(int reason) {
  constexpr const char* kSwitch = "/proc/sys/kernel/unprivileged_userns_clone";
  if (reason == ENOSPC) return "as root: `sysctl -w user.max_user_namespaces=15000`";
  if (ReadWholeFile(kSwitch).starts_with('0')) {
    return "as root: `sysctl -w kernel.unprivileged_userns_clone=1`";
  }
  return "in a chroot the kernel allows none, and in a container its manager has to: use veneer "
         "outside of it, or as root";
}

tl::unexpected<Error> NoNamespace(int reason) {
  return MakeError("no user namespace can be made (" + ErrnoText(reason) +
                   "), without which an ordinary user can neither mount nor use chroot, commit, "
                   "export and fsck; " +
                   HelpWithNamespaces(reason));
}

}  // namespace

std::vector<IdExtent> ParseSubordinateIds(std::string_view text, std::string_view user,
                                          uint32_t id) {
  std::vector<IdExtent> extents = {{0, id, 1}};
  uint64_t next = 1;
  while (!text.empty() && extents.size() < kMaxExtents) {
    const size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    const size_t first_colon = line.find(':');
    const size_t last_colon = line.rfind(':');
    if (first_colon == std::string_view::npos || first_colon == last_colon) continue;
    const std::string_view owner = line.substr(0, first_colon);
    uint32_t owner_id = 0;
    if (owner != user && !(ParseNumber(owner, &owner_id) && owner_id == id)) continue;
    uint32_t first = 0;
    uint32_t count = 0;
    if (!ParseNumber(line.substr(first_colon + 1, last_colon - first_colon - 1), &first) ||
        !ParseNumber(line.substr(last_colon + 1), &count) || count == 0) {
      continue;
    }
    if (next + count > UINT32_MAX || uint64_t{first} + count > UINT32_MAX) continue;
    extents.push_back({static_cast<uint32_t>(next), first, count});
    next += count;
  }
  return extents;
}

UserMapping MappingOfUser() {
  const uid_t uid = ::geteuid();
  const struct passwd* entry = ::getpwuid(uid);
  const std::string name = entry != nullptr ? entry->pw_name : "";
  UserMapping mapping;
  mapping.uids = ParseSubordinateIds(ReadWholeFile("/etc/subuid"), name, uid);
  // subgid(5) is keyed by the user too, but the id inside 0 is the group's.
  mapping.gids = ParseSubordinateIds(ReadWholeFile("/etc/subgid"), name, uid);
  mapping.gids.front().outside = ::getegid();
  return mapping;
}

std::string MappingText(const std::vector<IdExtent>& extents) {
  std::string text;
  for (const IdExtent& extent : extents) {
    if (!text.empty()) text += ':';
    text += std::to_string(extent.inside) + ":" + std::to_string(extent.outside) + ":" +
            std::to_string(extent.count);
  }
  return text;
}

std::string MappingWords(const std::vector<IdExtent>& extents) {
  std::string text;
  for (const IdExtent& extent : extents) {
    if (!text.empty()) text += ", ";
    const std::string inside = std::to_string(extent.inside);
    text += &extent == &extents.front()
                ? "your own as " + inside
                : std::to_string(extent.count) + " from " + std::to_string(extent.outside) +
                      " on as " + inside + " and up";
  }
  return text;
}

uint32_t FirstFreeSubordinateId(const std::vector<std::string>& files) {
  constexpr uint32_t kFirst = 100000;  // SUB_UID_MIN of login.defs(5)
  uint64_t free = kFirst;
  for (const std::string& text : files) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const size_t count_at = line.rfind(':');
      const size_t first_at = count_at == std::string::npos || count_at == 0
                                  ? std::string::npos
                                  : line.rfind(':', count_at - 1);
      if (first_at == std::string::npos || line.front() == '#') continue;
      uint32_t first = 0;
      uint32_t count = 0;
      const std::string_view view = line;
      if (!ParseNumber(view.substr(first_at + 1, count_at - first_at - 1), &first) ||
          !ParseNumber(view.substr(count_at + 1), &count)) {
        continue;
      }
      free = std::max(free, uint64_t{first} + count);
    }
  }
  return static_cast<uint32_t>(std::min<uint64_t>(free, UINT32_MAX - kSubordinateIds));
}

Result<void> CheckGrantedIds() {
  if (MappingOfUser().HasRanges()) return {};
  const struct passwd* entry = ::getpwuid(::geteuid());
  const std::string name = entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
  const uint32_t first =
      FirstFreeSubordinateId({ReadWholeFile("/etc/subuid"), ReadWholeFile("/etc/subgid")});
  const std::string ids = std::to_string(first) + "-" + std::to_string(first + kSubordinateIds - 1);
  return MakeError("only root exists inside, since /etc/subuid and /etc/subgid grant " + name +
                   " no ids; as root: `usermod --add-subuids " + ids + " --add-subgids " + ids +
                   " " + name + "`");
}

Result<void> CheckMappers() {
  if (!MappingOfUser().HasRanges()) return {};
  for (const char* program : {"newuidmap", "newgidmap"}) {
    if (!FindProgram(program)) {
      return MakeError("only root exists inside, since " + std::string(program) +
                       " is missing; as root: `apt-get update && apt-get install uidmap`");
    }
  }
  return {};
}

bool IsOrdinaryUser() { return ::geteuid() != 0; }

Result<void> CheckUserNamespace() {
  const pid_t child = ::fork();
  if (child < 0) return MakeError(Errno{errno}, "start a helper process");
  if (child == 0) _exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
  VENEER_TRY(const int reason, WaitFor(child));
  if (reason != 0) return NoNamespace(reason);
  return {};
}

Result<void> EnterUserNamespace() {
  const UserMapping mapping = MappingOfUser();
  const pid_t self = ::getpid();
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return MakeError(Errno{errno}, "make a pipe");
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  pid_t helper = -1;
  if (mapping.HasRanges()) {
    helper = ::fork();
    if (helper < 0) return MakeError(Errno{errno}, "start a helper process");
    if (helper == 0) {
      writer.Reset();
      MapFromOutside(self, mapping, reader.get());
    }
  }
  reader.Reset();
  const bool entered = ::unshare(CLONE_NEWUSER) == 0;
  const int reason = errno;
  bool mapped = false;
  if (helper > 0) {
    if (entered) mapped = ::write(writer.get(), "", 1) == 1;
    writer.Reset();
    VENEER_TRY(const int code, WaitFor(helper));
    mapped = mapped && code == 0;
  }
  if (!entered) return NoNamespace(reason);
  if (!mapped) VENEER_TRY_VOID(WriteSingleId(mapping));
  // From now on the identity inside: files made are the user's own.
  if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) {
    return MakeError(Errno{errno}, "become user 0 of the user namespace");
  }
  return {};
}

}  // namespace veneer
