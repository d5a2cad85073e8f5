// SPDX-License-Identifier: Apache-2.0
//
// A kernel, or a disk, that refuses a system call, in this process from now on. For a child that a
// test forked.
#ifndef VENEER_TESTS_UNIT_BASE_REFUSE_SYSTEM_CALL_H_
#define VENEER_TESTS_UNIT_BASE_REFUSE_SYSTEM_CALL_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace veneer {

// Lets the system call fail with `code`; of renameat2(2) and others with five arguments, only where
// the last one is `fifth`. False where this system does not allow that.
inline bool RefuseSystemCall(uint32_t number, int code, uint32_t fifth = UINT32_MAX) {
  const bool any = fifth == UINT32_MAX;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, static_cast<uint8_t>(any ? 2 : 0), 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[4])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fifth, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(code)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {static_cast<unsigned short>(std::size(program)), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_BASE_REFUSE_SYSTEM_CALL_H_
