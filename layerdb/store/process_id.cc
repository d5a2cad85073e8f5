// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"
#include "layerdb/store/containers.h"

namespace veneer {
namespace {

Sys<std::string> ReadProcFile(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return FailErrno();
  std::string text(4096, '\0');
  VENEER_TRY(const size_t n, sys::ReadAt(fd.get(), text.data(), text.size(), 0));
  text.resize(n);
  return text;
}

struct Stat {
  char state = '\0';
  uint64_t start_time = 0;
};

// That of /proc, by whose numbers processes are looked for. 0: not to be had.
uint64_t PidNamespace() {
  struct stat st;
  return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

// proc(5): fields are separated by blanks, but the second is a name in parentheses that may hold anything.
std::optional<Stat> ParseStat(std::string_view text) {
  const size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 2);  // now at field 3
  Stat stat;
  stat.state = text.empty() ? '\0' : text[0];
  for (int field = 3; field < 22; ++field) {
    const size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    text.remove_prefix(blank + 1);
  }
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), stat.start_time);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return stat;
}

}  // namespace

Sys<ProcessId> ProcessId::Of(pid_t pid) {
  const Sys<std::string> text = ReadProcFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return Fail(text.error().code == ENOENT ? ESRCH : text.error().code);
  const std::optional<Stat> stat = ParseStat(*text);
  if (!stat) return Fail(EIO);
  if (stat->state == 'Z' || stat->state == 'X') return Fail(ESRCH);
  VENEER_TRY(std::string boot_id, ReadProcFile("/proc/sys/kernel/random/boot_id"));
  while (!boot_id.empty() && boot_id.back() == '\n') boot_id.pop_back();
  return ProcessId{pid, stat->start_time, std::move(boot_id), PidNamespace()};
}

bool ProcessId::IsOfHere() const { return pid_namespace == 0 || pid_namespace == PidNamespace(); }

bool ProcessId::IsAlive() const {
  if (!IsOfHere()) return false;
  const Sys<ProcessId> now = Of(pid);
  return now && now->start_time == start_time && now->boot_id == boot_id;
}

}  // namespace veneer
