// SPDX-License-Identifier: Apache-2.0
//
// Which process has which descriptors open: sent from one to another over a Unix socket (unix(7),
// SCM_RIGHTS), and closed where a child inherited them.
#ifndef VENEER_TOOLS_RUN_DESCRIPTOR_PASSING_H_
#define VENEER_TOOLS_RUN_DESCRIPTOR_PASSING_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

// Sends `data`, which must not be empty, and with it the descriptor `fd` (-1: none), which stays
// the caller's.
Sys<void> SendDescriptor(int socket, std::string_view data, int fd);

// Receives at most `size` bytes, and the descriptor that came with them; ENODATA when none came.
Sys<Fd> ReceiveDescriptor(int socket, char* data, size_t size);

// As above where a descriptor may be missing. `received` is set to the number of bytes; 0: the
// other side is gone.
Sys<Fd> ReceiveMessage(int socket, char* data, size_t size, size_t* received);

// Closes what this process inherited and does not need, but for standard input, output and error:
// the parent's locks would live as long as this process, its descriptors as long as the programs
// started from here (CVE-2024-21626). Numbers below 0 are passed over.
void CloseAllBut(std::vector<int> kept);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_DESCRIPTOR_PASSING_H_
