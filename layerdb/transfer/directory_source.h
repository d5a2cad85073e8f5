// SPDX-License-Identifier: Apache-2.0
//
// DirectorySource: a directory as entries, in byte order, so that the same tree gives the same
// archive. The tree is walked by descriptors and no symlink is followed.
#ifndef VENEER_LAYERDB_TRANSFER_DIRECTORY_SOURCE_H_
#define VENEER_LAYERDB_TRANSFER_DIRECTORY_SOURCE_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/entry.h"
#include "layerdb/transfer/entry_source.h"

namespace veneer {

class DirectorySource final : public EntrySource {
 public:
  // `root`: open for reading, borrowed. `epoch`: later times are clamped to it. What no image layer
  // can hold (IsReservedInLayers) is left out, with a warning in the log; so is what is mounted in
  // the tree.
  DirectorySource(int root, std::optional<int64_t> epoch) : root_(root), epoch_(epoch) {}
  Result<void> Run(EntrySink& sink) override;

 private:
  struct Level {
    Fd fd;
    dev_t device = 0;
    ino_t ino = 0;
    std::vector<std::string> names;  // descending: the next one is the last
    size_t path_size = 0;            // of path_, of this directory
  };

  Result<SourceEntry> EntryOf(sys::At at, const struct stat& st) const;
  Result<XattrList> ReadXattrs(sys::At at) const;
  Result<void> Enter(Fd fd, const struct stat& st);
  Result<void> Leave();
  Result<void> AddObject(const char* name, EntrySink& sink);
  void WarnOfReserved() const;
  tl::unexpected<Error> Failed(Errno e) const;

  const int root_;
  const std::optional<int64_t> epoch_;
  uint64_t mount_ = 0;
  std::vector<Level> levels_;
  std::string path_;     // of the present object, from the root
  size_t reserved_ = 0;  // names that no image layer can hold
  std::string first_reserved_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_DIRECTORY_SOURCE_H_
