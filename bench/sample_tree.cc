// SPDX-License-Identifier: Apache-2.0
#include "bench/sample_tree.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "layerdb/index/index_writer.h"

namespace veneer::bench {
namespace {

void Check(const Result<void>& done) {
  if (!done) Die(done.error().message());
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "veneer-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) Die("cannot make a temporary directory");
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;  // the program ends; what is left is in the temporary directory
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::filesystem::path path;
};

}  // namespace

void Die(const std::string& why) {
  std::fprintf(stderr, "cannot measure: %s\n", why.c_str());
  std::exit(1);
}

const std::filesystem::path& Temporary() {
  static const TemporaryDirectory directory;
  return directory.path;
}

void WriteSampleIndex(const std::string& path) {
  auto writer = IndexWriter::Create(path);
  if (!writer) Die(writer.error().message());
  IndexEntry dir;
  dir.attr.type = FileType::kDirectory;
  dir.attr.mode = 0755;
  dir.attr.ino = kIndexRootIno;
  Check((*writer)->PutRoot(dir));
  uint64_t ino = kIndexRootIno;
  for (int d = 0; d < kDirectories; ++d) {
    const uint64_t dir_ino = dir.attr.ino = ++ino;
    Check((*writer)->Put(kIndexRootIno, "d" + std::to_string(d), dir));
    for (int f = 0; f < kFiles; ++f) {
      IndexEntry file;
      file.attr.mode = 0644;
      file.attr.ino = ++ino;
      Check((*writer)->Put(dir_ino, "f" + std::to_string(f), file));
    }
  }
  if (auto sealed = (*writer)->Seal(/*durable=*/false); !sealed) Die(sealed.error().message());
}

void WriteSampleDirectory(const std::filesystem::path& path) {
  for (int d = 0; d < kDirectories; ++d) {
    const auto dir = path / ("d" + std::to_string(d));
    std::filesystem::create_directories(dir);
    for (int f = 0; f < kFiles; ++f) std::ofstream(dir / ("f" + std::to_string(f)));
  }
}

}  // namespace veneer::bench
