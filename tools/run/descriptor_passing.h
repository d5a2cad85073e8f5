// SPDX-License-Identifier: Apache-2.0
//
// Open descriptors sent from process to process over a Unix socket (unix(7), SCM_RIGHTS).
#ifndef VENEER_TOOLS_RUN_DESCRIPTOR_PASSING_H_
#define VENEER_TOOLS_RUN_DESCRIPTOR_PASSING_H_

#include <cstddef>
#include <string_view>

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

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_DESCRIPTOR_PASSING_H_
