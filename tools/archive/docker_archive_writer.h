// SPDX-License-Identifier: Apache-2.0
//
// The archive of `docker save`: manifest.json and `repositories`, the configs, and each layer once
// as <diff id>.tar. The documents come first, so that a reader of a stream knows what follows. With
// compression the archive is compressed as a whole, as `docker save | gzip` would be, and the
// layers inside keep their digests. (skopeo 1.9 and podman 4.3 take no such archive of gzip,
// whoever made it.)
#ifndef VENEER_TOOLS_ARCHIVE_DOCKER_ARCHIVE_WRITER_H_
#define VENEER_TOOLS_ARCHIVE_DOCKER_ARCHIVE_WRITER_H_

#include "layerdb/base/result.h"
#include "tools/archive/archive_output.h"
#include "tools/archive/save_input.h"

namespace veneer {

// Errors: a damaged layer, which says `veneer fsck`; of the output; ECANCELED.
Result<void> WriteDockerArchive(const SaveInput& input, ArchiveOutput& output);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_DOCKER_ARCHIVE_WRITER_H_
