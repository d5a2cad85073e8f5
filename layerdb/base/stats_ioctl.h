// SPDX-License-Identifier: Apache-2.0
//
// How `veneer stats` asks a running veneerfs what it has done: an ioctl(2) on the root of the
// mount, so that no socket or file is needed and whoever can reach the mount can ask.
#ifndef VENEER_LAYERDB_BASE_STATS_IOCTL_H_
#define VENEER_LAYERDB_BASE_STATS_IOCTL_H_

#include <sys/ioctl.h>

namespace veneer {

// The answer: a JSON object as text that ends with a NUL. Its members are in veneerfs(1).
struct StatsText {
  char text[12288];
};

inline constexpr unsigned kStatsIoctl = _IOR('V', 0x10, StatsText);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_STATS_IOCTL_H_
