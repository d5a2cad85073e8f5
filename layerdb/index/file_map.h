// SPDX-License-Identifier: Apache-2.0
//
// A whole file, mapped for reading: what it holds costs no memory of the process. For the other
// files of this module. REQUIRES: nobody makes the file shorter meanwhile.
#ifndef VENEER_LAYERDB_INDEX_FILE_MAP_H_
#define VENEER_LAYERDB_INDEX_FILE_MAP_H_

#include <sys/mman.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "layerdb/base/result.h"

namespace veneer {

class FileMap {
 public:
  // kAll: every page is about to be read, so they are brought in at once.
  enum class Use { kAll, kSome };
  // `size` is not zero.
  static Sys<FileMap> Of(int fd, uint64_t size, Use use) {
    const int populate = use == Use::kAll ? MAP_POPULATE : 0;
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | populate, fd, 0);
    if (at == MAP_FAILED) return FailErrno();
    return FileMap(at, size);
  }
  FileMap(FileMap&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
  FileMap& operator=(FileMap&&) = delete;
  ~FileMap() {
    if (at_ != nullptr) ::munmap(at_, size_);
  }
  std::string_view bytes() const { return {static_cast<const char*>(at_), size_}; }

 private:
  FileMap(void* at, uint64_t size) : at_(at), size_(size) {}
  void* at_;
  uint64_t size_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_FILE_MAP_H_
