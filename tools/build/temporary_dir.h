// SPDX-License-Identifier: Apache-2.0
//
// TemporaryDir: a directory for what a build fetches, which goes with its owner.
#ifndef VENEER_TOOLS_BUILD_TEMPORARY_DIR_H_
#define VENEER_TOOLS_BUILD_TEMPORARY_DIR_H_

#include <string>
#include <utility>

#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {

class TemporaryDir {
 public:
  // None.
  TemporaryDir() = default;
  // Makes one in `parent` (StoreWriter::dir(), which keeps names that begin with "tmp").
  static Result<TemporaryDir> Make(const std::string& parent) {
    std::string path = parent + "/tmpXXXXXX";
    VENEER_TRY_CTX_VOID(sys::MakeTemporaryDir(&path), "make a directory in " + parent);
    return TemporaryDir(std::move(path));
  }
  TemporaryDir(TemporaryDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDir& operator=(TemporaryDir&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TemporaryDir() {
    if (!path_.empty()) IgnoreError(RemoveTree(path_), "the directory of the writer goes later");
  }

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDir(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_TEMPORARY_DIR_H_
