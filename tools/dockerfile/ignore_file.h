// SPDX-License-Identifier: Apache-2.0
//
// .dockerignore: which files of a build's context are left out, by the rules of moby's
// patternmatcher. The last pattern that matches a path, or a directory above it, decides; after "!"
// it brings the path back. A pattern is one of file_pattern.h, from the root of the context, and **
// in it is any number of directories.
//
// Two differences, both meant. An exception works at every depth: after "*", "!**/zz" brings back
// a/b/zz, too. The engines do not go into an ignored directory for an exception that begins with a
// wildcard, and so lose the file without a word. And they leave an empty directory where an
// exception names it that a later line takes back ("!keep", "*"); here nothing is left of it.
//
// All patterns are one automaton, whose positions a walk carries from each directory to what is in
// it: a pattern that cannot match there any more costs nothing, and a path is never read twice.
//
// Immutable once made; pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_IGNORE_FILE_H_
#define VENEER_TOOLS_DOCKERFILE_IGNORE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/file_pattern.h"

namespace veneer {

class IgnoreFile {
 public:
  // What is known of one path, and what the entries of a directory need of it.
  struct Match {
    bool ignored = false;
    // Something below an ignored directory may be brought back: it must be walked.
    bool exceptions_below = false;
    // Patterns that match the path or a directory above it, in their order.
    std::vector<uint32_t> matched;
    std::vector<uint32_t> positions;  // in the automaton, behind the path and a slash
  };

  // Ignores nothing.
  IgnoreFile() = default;

  // Usage error, which begins with "line N: ": "!" alone, a malformed pattern.
  static Result<IgnoreFile> Parse(std::string_view text);
  // The same rules for patterns that stand elsewhere: `COPY --exclude`. Usage error.
  static Result<IgnoreFile> FromPatterns(const std::vector<std::string>& patterns);

  bool empty() const { return exceptions_.empty(); }

  // The root of the context, which is never ignored.
  Match Root() const;
  // The entry `name` of the directory whose match `parent` is.
  Match Check(std::string_view name, const Match& parent) const;
  // Whether a path from the root, without a slash in front of it, is ignored.
  bool Ignores(std::string_view path) const;

 private:
  // One step of a pattern.
  struct Step {
    enum class Kind {
      kCharacter,
      kAny,  // any character but a slash
      kClass,
      kStar,         // any number of characters but slashes
      kDirectories,  // nothing, or on with kInside
      kInside,       // any characters up to a slash, and on
      kRest,         // any characters
      kEnd,          // the pattern has matched
    } kind;
    uint32_t character = 0;
    uint32_t index = 0;  // of the class; of the pattern, for kEnd
    bool exception = false;
  };

  Result<void> Add(std::string_view pattern);
  Result<void> AddSteps(std::string_view pattern, bool exception);
  // Adds a position and those that are reached from it without a character.
  void Reach(uint32_t position, std::vector<uint32_t>* positions) const;
  // The positions behind one more character: sorted, each once.
  void Advance(uint32_t character, const std::vector<uint32_t>& positions,
               std::vector<uint32_t>* next) const;

  std::vector<Step> steps_;  // of all patterns
  std::vector<CharacterClass> classes_;
  std::vector<bool> exceptions_;  // of each pattern: whether it is one
  std::vector<uint32_t> starts_;  // the first step of each pattern
};

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_IGNORE_FILE_H_
