// SPDX-License-Identifier: Apache-2.0
#include "tools/run/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace veneer {

namespace {

constexpr std::array kNames = {"CHOWN",
                               "DAC_OVERRIDE",
                               "DAC_READ_SEARCH",
                               "FOWNER",
                               "FSETID",
                               "KILL",
                               "SETGID",
                               "SETUID",
                               "SETPCAP",
                               "LINUX_IMMUTABLE",
                               "NET_BIND_SERVICE",
                               "NET_BROADCAST",
                               "NET_ADMIN",
                               "NET_RAW",
                               "IPC_LOCK",
                               "IPC_OWNER",
                               "SYS_MODULE",
                               "SYS_RAWIO",
                               "SYS_CHROOT",
                               "SYS_PTRACE",
                               "SYS_PACCT",
                               "SYS_ADMIN",
                               "SYS_BOOT",
                               "SYS_NICE",
                               "SYS_RESOURCE",
                               "SYS_TIME",
                               "SYS_TTY_CONFIG",
                               "MKNOD",
                               "LEASE",
                               "AUDIT_WRITE",
                               "AUDIT_CONTROL",
                               "SETFCAP",
                               "MAC_OVERRIDE",
                               "MAC_ADMIN",
                               "SYSLOG",
                               "WAKE_ALARM",
                               "BLOCK_SUSPEND",
                               "AUDIT_READ",
                               "PERFMON",
                               "BPF",
                               "CHECKPOINT_RESTORE"};

constexpr CapabilityMask Bit(int capability) { return CapabilityMask{1} << capability; }

using Sets = std::array<struct __user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

constexpr uint32_t Low(CapabilityMask mask) { return static_cast<uint32_t>(mask); }
constexpr uint32_t High(CapabilityMask mask) { return static_cast<uint32_t>(mask >> 32); }

}  // namespace

CapabilityMask ContainerCapabilities() {
  CapabilityMask mask = 0;
  for (const int capability : {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_MKNOD,
                               CAP_NET_RAW, CAP_SETGID, CAP_SETUID, CAP_SETFCAP, CAP_SETPCAP,
                               CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE}) {
    mask |= Bit(capability);
  }
  return mask;
}

std::vector<std::string> CapabilityNames(CapabilityMask mask) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if ((mask & Bit(static_cast<int>(i))) != 0) names.push_back("CAP_" + std::string(kNames[i]));
  }
  return names;
}

Sys<void> BoundCapabilities(CapabilityMask mask) {
  // The kernel may know more capabilities than its headers did: its own answer ends the list.
  for (int capability = 0; capability < 64; ++capability) {
    const int present = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (present < 0) break;
    if (present == 0 || (mask & Bit(capability)) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return FailErrno();
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return FailErrno();
  return {};
}

Sys<CapabilityMask> PermittedCapabilities() {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  Sets sets = {};
  if (::syscall(SYS_capget, &header, sets.data()) < 0) return FailErrno();
  return CapabilityMask{sets[1].permitted} << 32 | sets[0].permitted;
}

Sys<void> SetCapabilities(CapabilityMask permitted, CapabilityMask effective) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const Sets sets = {{{Low(effective), Low(permitted), 0}, {High(effective), High(permitted), 0}}};
  if (::syscall(SYS_capset, &header, sets.data()) < 0) return FailErrno();
  return {};
}

}  // namespace veneer
