// SPDX-License-Identifier: Apache-2.0
//
// What makes requests rare or cheap, each of which an option switches off: to measure what it gives (bench/findings), and
// to see whether it is the cause of something. None of them changes what programs see.
#ifndef VENEER_FS_FUSE_TECHNIQUES_H_
#define VENEER_FS_FUSE_TECHNIQUES_H_

namespace veneer {

// When a listing brings the attributes of its names: kAuto leaves it to the kernel, which looks whether they are used.
enum class ReaddirPlus { kAuto, kOn, kOff };

struct Techniques {
  bool stateless = true;  // OPEN and OPENDIR are refused, so that the kernel stops sending them
  bool polling = true;    // a busy leader tries to read before it sleeps (loop.h)
  bool cache_negative = true;   // the kernel keeps missing names
  bool cache_symlinks = true;   // the kernel keeps the targets of symbolic links
  bool parallel_dirops = true;  // the kernel looks up several names of a directory at once
  bool killpriv = true;         // HANDLE_KILLPRIV_V2 (raw_protocol.h)
  bool direct_writes =
      true;  // new files are written around the mount's page cache (open_requests.h)
  bool refuse_labels = true;  // without SELinux, its label is "not supported"
  ReaddirPlus readdirplus = ReaddirPlus::kAuto;
};

}  // namespace veneer

#endif  // VENEER_FS_FUSE_TECHNIQUES_H_
