// SPDX-License-Identifier: Apache-2.0
//
// One request of the kernel and the replies to it: the only place where ids are translated, where
// an Errno becomes an answer, and where an exception of a handler is caught (the daemon never
// aborts: it answers EIO and logs).
//
// A handler is a function void(Request&, <the arguments after fuse_req_t>) that replies exactly
// once, last, and holds no lock while it does. Op<Handler>::Call is what libfuse calls;
// operations.h has the table.
#ifndef VENEER_FS_FUSE_REQUEST_H_
#define VENEER_FS_FUSE_REQUEST_H_

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>
#include <exception>
#include <string>
#include <string_view>

#include "fs/core/union_fs.h"
#include "fs/fuse/fuse_api.h"
#include "fs/fuse/interrupts.h"
#include "fs/fuse/open_files.h"
#include "fs/fuse/passthrough.h"
#include "fs/fuse/recent_truncations.h"
#include "fs/fuse/statistics.h"
#include "fs/options/id_map.h"
#include "fs/options/optimizations.h"
#include "layerdb/base/result.h"

namespace veneer {

// What all requests of a mount share. Constant after INIT; the session's user data.
struct Mount {
  UnionFs* fs = nullptr;
  IdMaps ids;
  double timeout = 0;           // seconds the kernel may keep names and attributes
  blksize_t block_size = 4096;  // st_blksize: the upper's, else the top layer's
  bool acl = true;
  bool xattrs = true;
  std::atomic<int> in_service = 0;  // requests that were read and are not answered
  bool fsync = true;
  bool selinux = false;  // the host runs SELinux
  bool debug = false;    // every request and reply is printed
  Optimizations optimizations;
  int device = -1;  // the connection to the kernel
  Statistics* statistics = nullptr;
  RecentTruncations* truncations = nullptr;
  Interrupts* interrupts = nullptr;
  // With io=passthrough, else null.
  OpenFiles* open_files = nullptr;
  KernelBackings* backings = nullptr;
  std::string upper;  // the directory; empty: a read-only mount
  // Agreed upon at INIT: see raw_protocol.h.
  bool passthrough = false;      // asked for; whether the kernel does it is tried afterwards
  unsigned kernel_minor = 0;     // of its protocol: 7.kernel_minor
  bool kill_privileges = false;  // this daemon clears set-user-ID bits and capabilities
  bool long_setxattr = false;    // SETXATTR requests have the longer header
};

// The attributes as the mount shows them.
struct stat ToStat(const Mount& mount, const Attr& attr);

// How many seconds the kernel may keep the attributes of a node.
double AttributeTimeout(const Mount& mount, NodeId node);

// Gives references of the kernel to a node back.
void ForgetNode(const Mount& mount, NodeId node, uint64_t references);

class Request {
 public:
  explicit Request(fuse_req_t req)
      : req_(req), mount_(*static_cast<const Mount*>(fuse_req_userdata(req))) {}

  UnionFs& fs() const { return *mount_.fs; }
  const Mount& mount() const { return mount_; }
  fuse_req_t raw() const { return req_; }
  // Who asks, with the ids on disk. An id that the mapping does not hold is
  // kOverflowId, so that root outside a mapped range can still make the mount points a container
  // needs.
  Caller caller() const;
  // The thread that asks, as the daemon's namespace of processes numbers it; 0: none that is seen
  // there.
  uint32_t caller_thread() const { return static_cast<uint32_t>(fuse_req_ctx(req_)->pid); }
  bool caller_is_root() const { return fuse_req_ctx(req_)->uid == 0; }

  void ReplyError(int code);
  void Reply(const Sys<void>& done) { ReplyError(done ? 0 : done.error().code); }
  // Gives the kernel the entry with its reference; takes the reference back when the kernel no
  // longer waits.
  void Reply(const Sys<Entry>& entry);
  void Reply(NodeId node, const Sys<Attr>& attr);
  // The same with attributes that the kernel may keep for so many seconds.
  void Reply(const Sys<Attr>& attr, double timeout);
  // 0, or a negative errno when the kernel did not take the bytes.
  int ReplyBytes(std::string_view bytes);
  // The reply to GETXATTR and LISTXATTR: the length when `size` is 0, ERANGE when the value is
  // longer than `size`.
  void ReplyXattr(const Sys<std::string>& value, size_t size);
  // The reply to OPEN and OPENDIR when they are served: the kernel keeps what it has read.
  void ReplyOpen(fuse_file_info* file);
  void ReplyCount(const Sys<size_t>& count);
  void ReplyOffset(const Sys<uint64_t>& offset);
  void ReplyStatFs(const struct statvfs& stats);
  void ReplyIoctl(std::string_view out);
  void ReplyNothing();

  // After an exception: answers EIO unless an answer was given already.
  void Abandon(const char* what) noexcept;

 private:
  // Notes that the answer is on its way: an error, or `size` bytes.
  void Answer(int error, size_t size);

  fuse_req_t req_;
  const Mount& mount_;
  bool answered_ = false;
};

// The groups of the caller, supplementary ones included; root counts as a member of all. Borrows
// the request.
class CallerGroups : public GroupTest {
 public:
  explicit CallerGroups(const Request& request) : request_(request) {}
  bool Contains(uint32_t gid) const override;

 private:
  const Request& request_;
};

fuse_entry_param ToEntryParam(const Mount& mount, const Entry& entry);

template <auto kHandler>
struct Op;

template <class... Args, void (*kHandler)(Request&, Args...)>
struct Op<kHandler> {
  static void Call(fuse_req_t req, Args... args) noexcept {
    Request request(req);
    try {
      kHandler(request, args...);
    } catch (const std::exception& e) {
      request.Abandon(e.what());
    } catch (...) {
      request.Abandon("an unknown exception");
    }
  }
};

// Bytes of this thread, for one reply; at least `size`, valid until the next call in the thread.
char* ScratchBuffer(size_t size);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_REQUEST_H_
