// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/archive_sink.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layerdb/base/sys.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/writer.h"

namespace veneer {

Result<void> ArchiveSink::Add(const SourceEntry& entry, OpenContent open_content) {
  if (entry.attr.type == FileType::kSocket) return {};
  const TarOutput out = entry.Output();
  VENEER_TRY(const bool linked, stream_.HardLink(out, entry.key));
  if (linked) return {};
  if (entry.attr.type != FileType::kRegular || entry.attr.size == 0) {
    return stream_.Entry(out, entry.key);
  }
  VENEER_TRY(const std::optional<SourceContent> content, open_content());
  return content ? AddFile(entry, *content) : Result<void>();
}

Result<void> ArchiveSink::AddFile(const SourceEntry& entry, const SourceContent& source) {
  const std::string_view bytes = source.content.bytes;
  TarOutput out = entry.Output();
  std::optional<std::vector<SparseExtent>> sparse;
  if (source.fd() < 0 && bytes.size() != entry.attr.size) return source.Failed(entry, Errno{EIO});
  if (source.fd() >= 0) {
    const Sys<struct stat> st = sys::Stat({source.fd()});
    if (!st) return source.Failed(entry, st.error());
    // Looking for zeros is reading the file, so only the file that cannot be without holes is
    // looked at.
    if (static_cast<uint64_t>(st->st_blocks) * 512 + kMinHoles <= entry.attr.size) {
      VENEER_TRY(sparse, SparseExtentsOf(source.fd(), entry.attr.size));
    }
  }
  if (sparse) out.sparse = &*sparse;
  ContentHasher hasher;  // of an object, to be compared with its name
  uint64_t hashed = 0;
  VENEER_TRY_VOID(
      stream_.File(out, entry.key, [&](uint64_t at, std::span<char> to) -> Result<void> {
        VENEER_TRY_VOID(Cancellation::Check(cancel_));
        if (source.fd() < 0) {
          std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), to.size(), to.begin());
          return {};
        }
        const Sys<size_t> got = sys::ReadAt(source.fd(), to.data(), to.size(), at);
        if (!got) return source.Failed(entry, got.error());
        if (*got < to.size() && source.stored) return source.Failed(entry, Errno{ENODATA});
        // Cut short meanwhile: the header has said how much there is.
        std::fill(to.begin() + static_cast<ptrdiff_t>(*got), to.end(), '\0');
        if (!source.object) return {};
        if (at > hashed) hasher.Zeros(at - hashed);
        hasher.Update({to.data(), to.size()});
        hashed = at + to.size();
        return {};
      }));
  if (!source.object) return {};
  if (entry.attr.size > hashed) hasher.Zeros(entry.attr.size - hashed);
  if (hasher.Finish() == source.object->hash) return {};
  return entry.Damaged(*source.object, "has other contents than its name says");
}

Result<void> ArchiveSink::Whiteout(std::string_view path) {
  return stream_.Mark(WhiteoutPath(path));
}
Result<void> ArchiveSink::Opaque(std::string_view path) { return stream_.Mark(OpaquePath(path)); }

Result<uint64_t> ArchiveSink::Finish() {
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  return stream_.Finish();
}

}  // namespace veneer
