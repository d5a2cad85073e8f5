// SPDX-License-Identifier: Apache-2.0
//
// RUN --mount=type=cache,target=/var/cache/apt,… (the Dockerfile reference, "RUN --mount"): fields
// as in a CSV file, of Go's encoding/csv. An option that does nothing for its type is refused, and
// so is one that is given twice.
//
// Pure functions. Each error is a usage error.
#ifndef VENEER_TOOLS_DOCKERFILE_RUN_MOUNT_H_
#define VENEER_TOOLS_DOCKERFILE_RUN_MOUNT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

struct RunMount {
  enum class Type { kBind, kCache, kTmpfs, kSecret, kSsh };
  enum class Sharing { kShared, kPrivate, kLocked };

  Type type = Type::kBind;
  // As it is written, so perhaps relative to the working directory. Empty: a secret that is in the
  // environment alone; of an agent: the default, which depends on the other agents of the RUN.
  std::string target;
  std::string source;  // below `from`; empty: its root
  std::string from;    // a stage or an image; empty: the context, for a cache an empty directory
  std::string id;      // of the cache, the secret or the agent; never empty for these
  bool read_only = false;  // a bind mount is, unless "rw" is given
  bool required = false;   // of a secret or an agent: it is an error that it is missing
  Sharing sharing = Sharing::kShared;
  // Of a new cache, the file of a secret, the socket of an agent. The defaults are those of each.
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint64_t> size;    // of a tmpfs, in bytes
  std::optional<std::string> env;  // the variable that holds the secret
};

// The value of a word with variables in it.
using WordExpander = FunctionRef<Result<std::string>(std::string_view word)>;

// Each value is expanded before it is looked at. Error: the fields are no CSV; an option that does
// not exist or is not one of the type (those that are, are listed), that is given twice or has a
// wrong value; no target, or the root; that of `expand`.
Result<RunMount> ParseRunMount(std::string_view text, WordExpander expand);

// What "from" says, without any expansion. Error: the fields are no CSV; a variable.
Result<std::optional<std::string>> RunMountSource(std::string_view text);

// The fields of a line of a CSV file. Error: a quote within a field that does not begin with one,
// text behind a closing quote, a quote that is not closed, nothing at all.
Result<std::vector<std::string>> ParseCsvLine(std::string_view line);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_RUN_MOUNT_H_
