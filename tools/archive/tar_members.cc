// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/tar_members.h"

#include <string>

#include "layerdb/tar/block.h"
#include "layerdb/tar/writer.h"

namespace veneer {

Result<void> TarMembers::Directory(std::string_view path) {
  TarOutput entry;
  entry.path = path;
  entry.attr.type = FileType::kDirectory;
  entry.attr.mode = 0755;
  return sink_(EncodeTarEntry(entry));
}

Result<void> TarMembers::File(std::string_view path, std::string_view bytes) {
  VENEER_TRY_VOID(Begin(path, bytes.size()));
  VENEER_TRY_VOID(sink_(bytes));
  return End();
}

Result<void> TarMembers::Begin(std::string_view path, uint64_t size) {
  TarOutput entry;
  entry.path = path;
  entry.attr.mode = 0644;
  entry.attr.size = size_ = size;
  return sink_(EncodeTarEntry(entry));
}

Result<void> TarMembers::End() { return sink_(std::string(TarPadding(size_), '\0')); }

Result<void> TarMembers::Finish() { return sink_(TarEndMark()); }

}  // namespace veneer
