// SPDX-License-Identifier: Apache-2.0
//
// The temporary directories of all tests in C++; those of the tests in Python come from
// temporary.py.
#ifndef VENEER_TESTS_SUPPORT_TEMP_DIR_H_
#define VENEER_TESTS_SUPPORT_TEMP_DIR_H_

#include <cstdio>
#include <cstdlib>
#include <string>

namespace veneer {

// Makes a directory in `parent` and gives its path, which stays the caller's to remove; empty, with
// errno set, when it cannot be made. `what` and the name are of letters and digits alone, because a
// path becomes part of references, URLs and options, in which other characters mean something.
inline std::string MakeTempDirIn(const std::string& parent, const std::string& what) {
  std::string path = parent + "/veneer" + what + "XXXXXX";
  return ::mkdtemp(path.data()) == nullptr ? "" : path;
}

// The same where temporary files are (TMPDIR, else /tmp). Ends the program when it cannot be made.
inline std::string MakeTempDir(const std::string& what) {
  const char* parent = std::getenv("TMPDIR");
  std::string path = MakeTempDirIn(parent != nullptr && *parent != '\0' ? parent : "/tmp", what);
  if (!path.empty()) return path;
  std::perror("make a temporary directory");
  std::abort();
}

}  // namespace veneer

#endif  // VENEER_TESTS_SUPPORT_TEMP_DIR_H_
