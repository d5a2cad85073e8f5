// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/tree_size.h"

#include <fcntl.h>

#include <set>
#include <utility>
#include <vector>

#include "layerdb/base/sys.h"

namespace veneer {

namespace {

class Walk {
 public:
  Sys<void> Directory(const Fd& directory) {
    std::vector<std::string> below;
    std::vector<std::string> names;
    VENEER_TRY_VOID(sys::ReadDir(
        directory.get(), [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }));
    for (const std::string& name : names) {
      const auto status = sys::Stat({directory.get(), name.c_str()});
      if (!status && status.error().code == ENOENT) continue;
      if (!status) return Fail(status.error());
      if (S_ISDIR(status->st_mode)) below.push_back(name);
      if (!S_ISREG(status->st_mode)) continue;
      const bool first =
          status->st_nlink < 2 || links_.emplace(status->st_dev, status->st_ino).second;
      if (first) bytes_ += static_cast<uint64_t>(status->st_size);
    }
    for (const std::string& name : below) {
      const Sys<Fd> inner = sys::Open({directory.get(), name.c_str()}, O_RDONLY | O_DIRECTORY);
      const int code = inner ? 0 : inner.error().code;
      if (code == ENOENT || code == ENOTDIR || code == ELOOP) continue;
      if (!inner) return Fail(code);
      VENEER_TRY_VOID(Directory(*inner));
    }
    return {};
  }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
  std::set<std::pair<dev_t, ino_t>> links_;
};

}  // namespace

Sys<uint64_t> SizeOfTree(const std::string& path) {
  VENEER_TRY(const Fd root, sys::Open({AT_FDCWD, path.c_str()}, O_RDONLY | O_DIRECTORY));
  Walk walk;
  VENEER_TRY_VOID(walk.Directory(root));
  return walk.bytes();
}

}  // namespace veneer
