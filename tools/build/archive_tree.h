// SPDX-License-Identifier: Apache-2.0
//
// Archives that ADD unpacks, and those that are a build's context. An archive is told by its
// contents and never by its name, as BuildKit tells it (statements E43 and E44 about Docker's
// builders): tar, plain or compressed with gzip, bzip2, xz or zstd. It is read into a layer that
// nobody sees, so that its files are in the store and nothing is written twice.
//
// Thread-safe, as far as the trees that are given are a thread's own.
#ifndef VENEER_TOOLS_BUILD_ARCHIVE_TREE_H_
#define VENEER_TOOLS_BUILD_ARCHIVE_TREE_H_

#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"
#include "tools/build/copy_tree.h"
#include "tools/build/source_tree.h"

namespace veneer {

// How much of a stream LooksLikeArchive() wants, if there is so much.
inline constexpr size_t kArchiveStart = 512;
// Whether a stream that begins so is compressed, or is a tar archive. Whether an archive is in what
// is compressed is not known yet.
bool LooksLikeArchive(std::string_view start);

// Whether `fd`, a regular file that can be read, is an archive from its first byte on: one header
// can be read from it. Its offset stays as it is. `cancel` may be null. Errors: it cannot be read;
// ECANCELED.
Result<bool> IsArchive(int fd, const Cancellation* cancel);

// A descriptor to read `content` from its start. The one of `content` and its offset stay as they
// are. Errors: of the system.
Result<Fd> ReadFromStart(const SourceContent& content);

// The tree of the archive that `fd` has from its offset to its end; a pipe is as good. Its contents
// are objects of the store, which `store_writer` keeps: it outlives the tree, as the store does.
// `what` names the archive in errors, `cancel` may be null. Errors: the archive is damaged; it
// holds names that begin with ".wh.", which in an image layer are deletions (E49).
Result<std::unique_ptr<SourceTree>> ReadArchive(Store& store, StoreWriter& store_writer, int fd,
                                                const std::string& what,
                                                const Cancellation* cancel);

// Puts all of `archive` below `destination`, which is a directory, with or without a slash at its
// end. Entries keep what the archive says of them; what is in the way of one is replaced. The
// destination and what is above it stay as they are, and are made as `made` says where they are
// missing. A directory that the archive has no entry of is followed where it is a symlink, stays
// as it is, and is else made as root's. `archive` outlives the CopyTree. Errors: a directory is
// needed where something else is; a socket.
Result<void> UnpackInto(SourceTree& archive, const std::string& destination,
                        const NewDirectory& made, CopyTree* into, const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_ARCHIVE_TREE_H_
