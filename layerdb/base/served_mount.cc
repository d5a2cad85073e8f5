// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/served_mount.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "layerdb/base/parse.h"
#include "layerdb/base/proc.h"

namespace veneer {
namespace {

// The upper half of the offset, so that nobody else's lock is taken for one of these: "vnfs". A
// device has 12 + 20 bits.
constexpr uint64_t kMark = uint64_t{0x766e6673} << 32;
constexpr int kMinorBits = 20;
constexpr uint64_t kMinorMask = (1U << kMinorBits) - 1;

uint64_t OffsetOf(dev_t device) {
  return kMark | (uint64_t{major(device)} << kMinorBits) | minor(device);
}

Sys<void> SetLock(int fd, short type, uint64_t start, uint64_t length) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(start);
  lock.l_len = static_cast<off_t>(length);
  if (::fcntl(fd, F_SETLK, &lock) != 0) return FailErrno();
  return {};
}

std::optional<MountServer> ServerBy(const FileLock& lock) {
  const auto device = static_cast<uint32_t>(lock.start);
  const MountServer server{lock.pid, makedev(device >> kMinorBits, device & kMinorMask)};
  if (lock.kind != "POSIX" || OffsetOf(server.device) != lock.start) return std::nullopt;
  return server;
}

}  // namespace

const dev_t ServedMount::kEnded = makedev((1U << 12) - 1, kMinorMask);

Sys<ServedMount> ServedMount::Announce(dev_t device) {
  ServedMount mount;
  mount.fd_ = Fd(::memfd_create("served mount", MFD_CLOEXEC));
  if (!mount.fd_) return FailErrno();
  VENEER_TRY_VOID(SetLock(mount.fd_.get(), F_RDLCK, OffsetOf(device), 1));
  return mount;
}

Sys<void> ServedMount::AnnounceEnd() {
  if (!fd_) return {};
  const uint64_t ended = OffsetOf(kEnded);
  VENEER_TRY_VOID(SetLock(fd_.get(), F_RDLCK, ended, 1));
  return SetLock(fd_.get(), F_UNLCK, 0, ended);
}

std::vector<MountServer> MountServersBy(const std::vector<FileLock>& locks) {
  std::vector<MountServer> servers;
  for (const FileLock& lock : locks) {
    if (const auto server = ServerBy(lock)) servers.push_back(*server);
  }
  return servers;
}

std::vector<MountServer> MountServers() { return MountServersBy(ReadLocks()); }

std::optional<pid_t> ServerOf(dev_t device) {
  for (const MountServer& server : MountServers()) {
    if (server.device == device) return server.pid;
  }
  return std::nullopt;
}

std::optional<dev_t> DeviceServedBy(pid_t pid) {
  for (const MountServer& server : MountServers()) {
    if (server.pid == pid) return server.device;
  }
  return std::nullopt;
}

std::optional<dev_t> ParseDevice(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  unsigned high = 0;
  unsigned low = 0;
  if (!ParseNumber(text.substr(0, colon), &high) || !ParseNumber(text.substr(colon + 1), &low)) {
    return std::nullopt;
  }
  return makedev(high, low);
}

}  // namespace veneer
