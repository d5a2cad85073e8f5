// SPDX-License-Identifier: Apache-2.0
//
// The table of operations: every request of the kernel (linux/fuse.h), its handler, its name in
// statistics and in the lines of -d, and the nodes that it changes. A request without a handler is
// answered ENOSYS.
//
// libfuse takes most requests apart and calls the handler. Those that it does not know or that it
// would answer otherwise (CREATE, TMPFILE, SYNCFS, STATX, INTERRUPT; with io=passthrough OPEN and
// RELEASE) get a handler that takes the request as it came.
#ifndef VENEER_FS_FUSE_OPERATIONS_H_
#define VENEER_FS_FUSE_OPERATIONS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "fs/core/types.h"
#include "fs/fuse/fuse_api.h"

namespace veneer {

struct Mount;

// A request as the kernel sent it. Borrows the bytes.
struct RawRequest {
  fuse_in_header header = {};
  const char* bytes = nullptr;  // the header first
  size_t size = 0;

  // What stands at an offset; zeroes where the request is shorter.
  template <class T>
  T At(size_t offset) const {
    T value = {};
    if (offset < size) std::memcpy(&value, bytes + offset, std::min(sizeof(T), size - offset));
    return value;
  }
  template <class T>
  T Argument() const {
    return At<T>(sizeof(fuse_in_header));
  }
  // The name behind the argument; the kernel ends it with a zero.
  template <class T>
  std::string_view NameAfter() const {
    const size_t offset = std::min(size, sizeof(fuse_in_header) + sizeof(T));
    return {bytes + offset, ::strnlen(bytes + offset, size - offset)};
  }
};

// Nodes whose attributes a request changes, as far as it names them; kNoNode: none.
using ChangedNodes = std::array<NodeId, 2>;

struct Operation {
  uint32_t opcode = 0;
  std::string_view name;
  // Enters the handler that libfuse calls. Null: libfuse has none.
  void (*enter)(fuse_lowlevel_ops&) = nullptr;
  // Null: it changes no attributes.
  ChangedNodes (*changes)(const RawRequest&) = nullptr;
  // Answers the request before libfuse sees it, where `answers_raw` (null: always) says so. Null:
  // never.
  void (*answer_raw)(const Mount&, const RawRequest&) = nullptr;
  bool (*answers_raw)(const Mount&) = nullptr;
};

// All of them, by opcode.
std::span<const Operation> Operations();
// Null: an opcode that linux/fuse.h does not have.
const Operation* FindOperation(uint32_t opcode);

// What -d prints of a request.
std::string RequestLine(const fuse_in_header& header);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_OPERATIONS_H_
