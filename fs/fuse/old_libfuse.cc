// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/old_libfuse.h"

#if VENEER_OLD_LIBFUSE

#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "fs/fuse/passthrough.h"

namespace veneer {
namespace {

// What the kernel offered in the INIT request that this thread serves; 0 otherwise.
thread_local uint64_t offered_flags = 0;

// FUSE_NO_EXPORT_SUPPORT: name_to_handle_at(2) is EOPNOTSUPP, as on overlayfs.
constexpr uint64_t kInitNoExport = uint64_t{1} << 38;

// Puts it into the reply to INIT, where the kernel offers it and the reply has room.
void RefuseExports(const iovec& init_out, uint64_t offered) {
  constexpr uint64_t kNeeded = kInitExtended | kInitNoExport;
  if ((offered & kNeeded) != kNeeded) return;
  if (init_out.iov_len < offsetof(fuse_init_out, flags2) + sizeof(uint32_t)) return;
  auto* out = static_cast<fuse_init_out*>(init_out.iov_base);
  out->flags |= static_cast<uint32_t>(kInitExtended);
  out->flags2 |= static_cast<uint32_t>(kInitNoExport >> 32);
}

ssize_t SendReply(int device, iovec* parts, int count, void* userdata) {
  const uint64_t offered = std::exchange(offered_flags, 0);
  // libfuse's reply to INIT: the header, then fuse_init_out.
  if (offered != 0 && count == 2 && parts[1].iov_len >= offsetof(fuse_init_out, unused)) {
    auto& mount = *static_cast<Mount*>(userdata);
    uint32_t wanted = FUSE_SETXATTR_EXT;
    if (mount.optimizations.killpriv) wanted |= FUSE_HANDLE_KILLPRIV_V2;
    if (mount.optimizations.parallel_dirops) wanted |= FUSE_PARALLEL_DIROPS;
    const auto agreed = static_cast<uint32_t>(offered & wanted);
    mount.kill_privileges = (agreed & FUSE_HANDLE_KILLPRIV_V2) != 0;
    mount.long_setxattr = (agreed & FUSE_SETXATTR_EXT) != 0;
    static_cast<fuse_init_out*>(parts[1].iov_base)->flags |= agreed;
    RefuseExports(parts[1], offered);
    constexpr uint64_t kPassthrough = kInitExtended | kInitPassthrough;
    mount.passthrough = mount.open_files != nullptr && (offered & kPassthrough) == kPassthrough &&
                        RequestPassthrough(parts[1].iov_base, parts[1].iov_len);
  }
  return ::writev(device, parts, count);
}

// libfuse wants it; the loop reads by itself.
ssize_t ReadRequest(int device, void* buffer, size_t size, void* /*userdata*/) {
  return ::read(device, buffer, size);
}

constexpr fuse_custom_io kReplies = {SendReply, ReadRequest, nullptr, nullptr};

}  // namespace

Sys<void> CompleteReplies(fuse_session* session, int device) {
  const int failed = fuse_session_custom_io(session, &kReplies, device);
  if (failed != 0) return Fail(-failed);
  return {};
}

void NoteInit(const fuse_init_in& init) {
  offered_flags = init.flags | uint64_t{init.flags2} << 32;
}

void ShortenSetXattr(char* request, size_t& size) {
  constexpr size_t kExtra = sizeof(fuse_setxattr_in) - FUSE_COMPAT_SETXATTR_IN_SIZE;
  constexpr size_t kLong = sizeof(fuse_in_header) + sizeof(fuse_setxattr_in);
  if (size < kLong) return;
  std::memmove(request + kLong - kExtra, request + kLong, size - kLong);
  size -= kExtra;
  const auto length = static_cast<uint32_t>(size);
  std::memcpy(request + offsetof(fuse_in_header, len), &length, sizeof(length));
}

}  // namespace veneer

#endif
