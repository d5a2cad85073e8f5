// SPDX-License-Identifier: Apache-2.0
//
// Images as an OCI image layout (image-spec, image-layout.md): in a tar archive, or as a directory.
// Layers are compressed one by one, so that a blob's digest is of the compressed bytes; which kind
// is in its media type. Manifests name nothing but config and layers, so that the same image gives
// the same manifest digest.
#ifndef VENEER_TOOLS_ARCHIVE_OCI_WRITER_H_
#define VENEER_TOOLS_ARCHIVE_OCI_WRITER_H_

#include <string>

#include "layerdb/base/result.h"
#include "tools/archive/archive_output.h"
#include "tools/archive/save_input.h"

namespace veneer {

// `spool`: a directory for a compressed layer, whose digest must be known before its header is
// written; nothing stays there. Errors: a damaged layer, which says `veneer fsck`; of the output;
// ECANCELED.
Result<void> WriteOciArchive(const SaveInput& input, const std::string& spool,
                             ArchiveOutput& output);

// Makes the directory `path`: beside it under another name, and renamed when it is whole. It must
// not be there, or be empty (kUsage).
Result<void> WriteOciDirectory(const SaveInput& input, const std::string& path);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_OCI_WRITER_H_
