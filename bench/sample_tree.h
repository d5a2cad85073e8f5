// SPDX-License-Identifier: Apache-2.0
//
// The tree that the micro benches work on: 100 directories "d0".."d99" with 100 files "f0".."f99"
// each, as a sealed index or as a plain directory, in a temporary directory that goes with the
// program. A bench that cannot be set up has nothing to measure: then the program ends. Not
// thread-safe.
#ifndef VENEER_BENCH_SAMPLE_TREE_H_
#define VENEER_BENCH_SAMPLE_TREE_H_

#include <filesystem>
#include <string>

namespace veneer::bench {

inline constexpr int kDirectories = 100;
inline constexpr int kFiles = 100;

// Says why on standard error and ends the program.
[[noreturn]] void Die(const std::string& why);

// The temporary directory; made by the first call, removed when the program ends.
const std::filesystem::path& Temporary();

// Writes the tree as an index. REQUIRES: `path` does not exist.
void WriteSampleIndex(const std::string& path);
// Writes it as files, all empty.
void WriteSampleDirectory(const std::filesystem::path& path);

}  // namespace veneer::bench

#endif  // VENEER_BENCH_SAMPLE_TREE_H_
