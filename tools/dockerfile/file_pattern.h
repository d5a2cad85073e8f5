// SPDX-License-Identifier: Apache-2.0
//
// The patterns of file names that COPY, ADD and .dockerignore take: those of filepath.Match of Go,
// with its results also where they are odd.
//
//   *         any bytes but a slash; none, too
//   ?         one character that is no slash
//   [a-z\]]   one character of these, [^a-z] one that is none of them; also a slash
//   \x        x itself
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_FILE_PATTERN_H_
#define VENEER_TOOLS_DOCKERFILE_FILE_PATTERN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// What stands in brackets.
struct CharacterClass {
  bool negated = false;
  std::vector<std::pair<uint32_t, uint32_t>> ranges;  // first and last; none if the last is less

  bool Contains(uint32_t character) const;
};

// Takes a class off the front. REQUIRES: `text` begins with a bracket. Nullopt: it is malformed,
// and `text` is unspecified.
std::optional<CharacterClass> TakeCharacterClass(std::string_view* text);

class FilePattern {
 public:
  // Usage error: a bracket that is not closed or has nothing in it, a backslash at the end.
  static Result<FilePattern> Parse(std::string_view text);

  // Whether all of `name` matches. The time is at most the product of both lengths. As in Go, each
  // star takes as little as it can and is not tried again, which is seen only where a class matches
  // a slash.
  bool Matches(std::string_view name) const;
  // The only name that matches, for a pattern without wildcards: a walk opens it, and reads no
  // directory.
  const std::optional<std::string>& literal() const { return literal_; }

 private:
  struct Step {
    enum class Kind { kByte, kAny, kClass } kind;
    char byte = 0;
    CharacterClass characters;
  };
  // A star, if there is one, and what follows it up to the next one.
  struct Chunk {
    bool star = false;
    std::vector<Step> steps;
  };

  static std::optional<std::string_view> Rest(const Chunk& chunk, std::string_view name);

  std::vector<Chunk> chunks_;
  std::optional<std::string> literal_;
};

// True if the text has a wildcard that is not behind a backslash.
bool HasWildcards(std::string_view text);

// A pattern for each name of a path, for a walk that goes down one directory at a time. Empty names
// and "." are left out. Usage error as above, also for a slash in brackets.
Result<std::vector<FilePattern>> ParsePathPattern(std::string_view path);

// `path` as filepath.Clean of Go makes it: the shortest with the same meaning, "." for an empty
// one.
std::string CleanPath(std::string_view path);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_FILE_PATTERN_H_
