// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/passthrough.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>

#include "fs/fuse/fuse_api.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// struct fuse_backing_map, and the two ioctls on the device.
struct BackingMap {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);
constexpr unsigned long kBackingClose = _IOW(229, 2, uint32_t);

// Where fuse_init_out has max_stack_depth: behind flags2.
constexpr size_t kStackDepthOffset = offsetof(fuse_init_out, flags2) + sizeof(uint32_t);

}  // namespace

bool RequestPassthrough(void* init_out, size_t size) {
  if (size < kStackDepthOffset + sizeof(kPassthroughDepth)) return false;
  auto* out = static_cast<fuse_init_out*>(init_out);
  out->flags |= static_cast<uint32_t>(kInitExtended);
  out->flags2 |= static_cast<uint32_t>(kInitPassthrough >> 32);
  std::memcpy(static_cast<char*>(init_out) + kStackDepthOffset, &kPassthroughDepth,
              sizeof(kPassthroughDepth));
  return true;
}

Sys<int32_t> KernelBackings::Register(int fd) {
  BackingMap map = {};
  map.fd = fd;
  const int id = ::ioctl(device_, kBackingOpen, &map);
  if (id < 0) return FailErrno();
  return id;
}

void KernelBackings::Unregister(int32_t id) {
  auto value = static_cast<uint32_t>(id);
  // ENODEV: the file system was unmounted meanwhile, and the kernel has let go of everything.
  if (::ioctl(device_, kBackingClose, &value) != 0 && errno != ENODEV) {
    LogError("the kernel does not let go of a backing file: " + ErrnoText(errno));
  }
}

Sys<void> KernelBackings::Probe(const std::string& upper) {
  Sys<Fd> file = sys::OpenFollowing(upper, O_TMPFILE | O_RDWR, 0600);
  // Some file systems have no nameless files; then this only tells whether the kernel would take
  // any file at all.
  if (!file) file = Fd(::memfd_create("probe", MFD_CLOEXEC));
  if (!*file) return FailErrno();
  VENEER_TRY(const int32_t id, Register(file->get()));
  Unregister(id);
  return {};
}

std::string NoPassthroughText(Errno why) {
  switch (why.code) {
    case ENOSYS: return "this kernel has no FUSE passthrough (Linux 6.9 or later has)";
    case EPERM: return "it needs CAP_SYS_ADMIN in the initial user namespace";
    case ELOOP: return "the upper directory is on a file system that is stacked on others itself";
    default: return "the kernel refuses files of the upper directory: " + ErrnoText(why.code);
  }
}

}  // namespace veneer
