// SPDX-License-Identifier: Apache-2.0
//
// ImageSource: the files of an image archive by name, whether they lie in a tar archive or in a
// directory. Layers are read where they are: a file is a descriptor, an offset and a size.
//
// Archives are not trusted. A name in a document that is absolute or has ".." in it is refused.
// Members are called as for those who unpack them: a "/" in front means nothing, and only ".." that
// leads out is refused. Links are followed to what is inside (member_links.h), in an archive and a
// directory alike.
//
// Not thread-safe; the files it gives may be read in another thread with pread(2).
#ifndef VENEER_TOOLS_ARCHIVE_IMAGE_SOURCE_H_
#define VENEER_TOOLS_ARCHIVE_IMAGE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/blob_digest.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/import.h"

namespace veneer {

// `size` bytes from `offset` on.
struct SourceFile {
  int fd = -1;
  uint64_t offset = 0;
  uint64_t size = 0;
  Fd owned;  // closes `fd`, where it is not the source's
};

class ImageSource {
 public:
  virtual ~ImageSource() = default;

  // A regular file. nullopt: there is none of this name. Errors: the name leaves the archive, or
  // leads to what is no regular file. The source must outlive what is returned.
  virtual Result<std::optional<SourceFile>> Find(const std::string& name) = 0;
  // The names at the top, in byte order.
  virtual Result<std::vector<std::string>> TopNames() = 0;

  // Find(), where a missing file is an error.
  Result<SourceFile> Open(const std::string& name);
  // The whole of a document, of at most kMaxDocument bytes: a larger one is refused before it is
  // read, and so is what goes beyond kMaxDocuments for all that were read from this source.
  Result<std::string> Read(const std::string& name);

  static constexpr uint64_t kMaxDocument = uint64_t{4} << 20;  // as ParseJson() has it
  static constexpr uint64_t kMaxDocuments = uint64_t{64} << 20;

 private:
  uint64_t read_ = 0;
};

// The place of a name in an archive: without "." and empty components. Errors: it is absolute, has
// ".." in it, is empty, very long, or has a NUL. Pure.
Result<std::string> NormalizeMemberName(std::string_view name);

struct OpenOptions {
  ProgressFunction progress;             // of what must be read before all else
  const Cancellation* cancel = nullptr;  // null: nobody will ask
};

// Opens `path`: a tar archive, plain or compressed; a directory; or "-", standard input. A plain
// archive in a file is read in place; any other is written into the session's directory first.
Result<std::unique_ptr<ImageSource>> OpenImageSource(const std::string& path,
                                                     const StoreWriter& session,
                                                     const OpenOptions& options);

// --- what the above is made of ---
// The members of the plain archive in [begin, end) of `fd`, which stays the caller's unless it is
// `owned`. Errors: no tar archive, or a damaged one; a member twice with different contents, which
// one reader takes for the first and another for the last; a name that leads out; no member at all.
Result<std::unique_ptr<ImageSource>> OpenTarSource(int fd, Fd owned, uint64_t begin, uint64_t end,
                                                   const Cancellation* cancel);
std::unique_ptr<ImageSource> OpenDirectorySource(Fd directory);

// The digest of a file.
Result<BlobDigest> HashFile(const SourceFile& file, BlobDigest::Algorithm algorithm,
                            const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_IMAGE_SOURCE_H_
