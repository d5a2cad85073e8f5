// SPDX-License-Identifier: Apache-2.0
//
// The texts of a build's context, its Dockerfile and .dockerignore: from a file that the caller
// names, from a file of the context, which no symlink leads out of, or from a stream.
//
// Each has at most kMaxDockerfileBytes; more is an error. All errors begin with `what`, the name of
// the text. Thread-safe, as far as the trees are a thread's own.
#ifndef VENEER_TOOLS_BUILD_CONTEXT_TEXT_H_
#define VENEER_TOOLS_BUILD_CONTEXT_TEXT_H_

#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/source_tree.h"

namespace veneer {

// The file `path` of the host; symlinks are followed. nullopt: it is not there. Errors: no regular
// file; what the system says.
Result<std::optional<std::string>> ReadHostText(const std::string& path, const std::string& what);

// The file `path` of a tree. nullopt: it is not there. Errors: no regular file; a symlink to
// nothing in the tree; what the system says.
Result<std::optional<std::string>> ReadTextIn(SourceTree& tree, const std::string& path,
                                              const std::string& what);

// What `fd` has from its offset to its end, behind `start`, which was read before. `cancel` may be
// null: ECANCELED.
Result<std::string> ReadTextStream(int fd, std::string start, const std::string& what,
                                   const Cancellation* cancel);

// The first bytes of `fd`, at least `size` of them where there are so many. Errors as above.
Result<std::string> ReadStreamStart(int fd, size_t size, const std::string& what,
                                    const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_CONTEXT_TEXT_H_
