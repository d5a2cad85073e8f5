// SPDX-License-Identifier: Apache-2.0
//
// Interrupts: which requests the kernel has sent an INTERRUPT for. It says that the caller has got
// some signal, and comes once for a request. No answer is due to it: a request that has been
// interrupted is answered as any other, or with EINTR. As on a disk, only a signal that kills
// interrupts a request here: a write that an alarm ends with EINTR is one that programs are not
// made for. So whoever works long asks from time to time whether the caller is being killed.
//
// Thread-safe, without locks.
#ifndef VENEER_FS_FUSE_INTERRUPTS_H_
#define VENEER_FS_FUSE_INTERRUPTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace veneer {

class Interrupts {
 public:
  // `request`: its number in the protocol, which is never 0.
  void Add(uint64_t request) { requests_[next_++ % requests_.size()] = request; }
  // False too when many others were interrupted since.
  bool Has(uint64_t request) const;

 private:
  std::array<std::atomic<uint64_t>, 128> requests_{};
  std::atomic<size_t> next_{0};
};

// True when SIGKILL, or what has become it in the kernel, waits for the thread to come back from a
// system call. False when that cannot be found out: 0, a thread that is not seen here, no /proc.
bool IsBeingKilled(uint32_t thread);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_INTERRUPTS_H_
