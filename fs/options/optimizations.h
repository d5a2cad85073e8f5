// SPDX-License-Identifier: Apache-2.0
//
// The optimizations of the protocol that x-disable= switches off, one by one: to measure the gain
// of each (bench/findings), and to find out whether one of them causes a fault. None of them
// changes what programs see, but for what veneer-guarantees(7) says about append-only files. The
// option is for developers: only CONTRIBUTING.md names it.
#ifndef VENEER_FS_OPTIONS_OPTIMIZATIONS_H_
#define VENEER_FS_OPTIONS_OPTIMIZATIONS_H_

namespace veneer {

struct Optimizations {
  bool stateless = true;  // OPEN and OPENDIR are refused, so that the kernel stops sending them
  bool polling = true;    // a busy leader tries to read before it sleeps (loop.h)
  bool cache_negative = true;    // the kernel keeps missing names
  bool cache_symlinks = true;    // the kernel keeps the targets of symbolic links
  bool parallel_dirops = true;   // the kernel looks up several names of a directory at once
  bool killpriv = true;          // HANDLE_KILLPRIV_V2 (raw_protocol.h)
  bool direct_writes = true;     // new files bypass the mount's page cache (open_requests.h)
  bool refuse_labels = true;     // without SELinux, its label is "not supported"
  bool readdirplus = true;       // listings may bring the attributes of their names
  bool readdirplus_auto = true;  // the kernel chooses when they do; disabled: always
};

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_OPTIMIZATIONS_H_
