// SPDX-License-Identifier: Apache-2.0
//
// The members of an archive of images: plain files and directories of root, with one fixed time, so
// that the same contents give the same archive. Not thread-safe.
#ifndef VENEER_TOOLS_ARCHIVE_TAR_MEMBERS_H_
#define VENEER_TOOLS_ARCHIVE_TAR_MEMBERS_H_

#include <cstdint>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/tar/block.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

class TarMembers {
 public:
  // `sink` must outlive it.
  explicit TarMembers(TarSink sink) : sink_(sink) {}

  Result<void> Directory(std::string_view path);
  Result<void> File(std::string_view path, std::string_view bytes);
  // A file whose `size` bytes the caller gives to the sink himself; then End().
  Result<void> Begin(std::string_view path, uint64_t size);
  Result<void> End();
  // Ends the archive.
  Result<void> Finish();

 private:
  TarSink sink_;
  uint64_t size_ = 0;  // of the present file
};

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_TAR_MEMBERS_H_
